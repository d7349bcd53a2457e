/* SPDX-License-Identifier: Apache-2.0 */
#include "digit_network.h"

#include <stdlib.h>

#include "check.h"
#include "trained_model.h"

static float *read_weights(const clq_model *model, const char *name, uint64_t elements)
{
    const size_t index = clq_model_find(model, name);
    float *x = check_allocate(elements * sizeof *x);
    clq_error error;
    assert_true(index != SIZE_MAX && model->tensors[index].elements == elements);
    check_ok(clq_model_read(model, index, 0, elements, x, &error), &error, name);
    return x;
}

static float *multiply(const float *x, const float *weights, size_t inputs, size_t outputs, float slope)
{
    float *y = check_allocate(NETWORK_IMAGES * outputs * sizeof *y);
    for (size_t i = 0; i < NETWORK_IMAGES; i++) {
        for (size_t j = 0; j < outputs; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < inputs; k++) {
                sum += (double)x[i * inputs + k] * (double)weights[j * inputs + k];
            }
            y[i * outputs + j] = (float)sum * (sum < 0.0 ? slope : 1.0f);
        }
    }
    return y;
}

int digit_network_open(digit_network *n, float slope)
{
    clq_model *model = trained_model_open();
    if (model == NULL) {
        return 0;
    }
    n->first = read_weights(model, "l1.weight", (uint64_t)NETWORK_HIDDEN * NETWORK_PIXELS);
    n->second = read_weights(model, "l2.weight", (uint64_t)NETWORK_DIGITS * NETWORK_HIDDEN);
    clq_model_close(&model);
    n->images = check_allocate(sizeof(float) * NETWORK_IMAGES * NETWORK_PIXELS);
    for (unsigned i = 0; i < NETWORK_IMAGES; i++) {
        digit_draw(i % NETWORK_DIGITS, i, n->images + (size_t)i * NETWORK_PIXELS);
    }
    n->hidden = multiply(n->images, n->first, NETWORK_PIXELS, NETWORK_HIDDEN, slope);
    n->logits = multiply(n->hidden, n->second, NETWORK_HIDDEN, NETWORK_DIGITS, 1.0f);
    return 1;
}

void digit_network_close(digit_network *n)
{
    free(n->first);
    free(n->second);
    free(n->images);
    free(n->hidden);
    free(n->logits);
}

unsigned digit_network_answer(const float *logits)
{
    unsigned best = 0;
    for (unsigned i = 1; i < NETWORK_DIGITS; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}
