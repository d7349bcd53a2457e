/* SPDX-License-Identifier: Apache-2.0 */
/* quantize_tensor: four numbers in 8 bits on the best device there is. It prints -127 -32 64 127. */
#include <stdio.h>

#include <clquant/clquant.h>

int main(void)
{
    float x[4] = {-1.0f, -0.25f, 0.5f, 1.0f};
    signed char codes[4];
    uint64_t bytes[6] = {sizeof x, sizeof codes, 4, 4, 8, sizeof(clq_nonfinite)};
    clq_context *context = NULL;
    clq_error e = {0};
    clq_operand o[6] = {{NULL, 0}}; /* x, codes, scale, zero point, range, non-finite count */
    clq_quantization q;
    clq_quantization_init(&q); /* symmetric, s8, per tensor */
    q.layout.rank = 1;
    q.layout.shape[0] = 4;
    int bad = clq_context_create("auto", &context, &e) != CLQ_OK; /* the best device; "reference" needs none */
    for (int i = 0; i < 6 && !bad; i++) {
        bad = clq_buffer_create(context, bytes[i], &o[i].buffer, &e) != CLQ_OK;
    }
    bad = bad || clq_buffer_write(o[0].buffer, 0, x, sizeof x, &e) ||
          clq_dynamic_quantize(context, &q, o[0], o[1], o[2], o[3], o[4], o[5], &e) ||
          clq_buffer_read(o[1].buffer, 0, codes, sizeof codes, &e);
    for (int i = 0; i < 6; i++) {
        clq_buffer_destroy(&o[i].buffer);
    }
    clq_context_destroy(&context);
    return bad ? (puts(e.message), 1) : (printf("%d %d %d %d\n", codes[0], codes[1], codes[2], codes[3]), 0);
}
