/* SPDX-License-Identifier: Apache-2.0 */
/* --check of gemm: the same product on the reference, byte for byte. */
#include <string.h>

#include "command/verbs/gemm_product.h"
#include "core/size.h"
#include "format/element.h"

static const uint64_t COMPARE_ELEMENTS = UINT64_C(1) << 20;

uint64_t cli_gemm_first_difference(clq_dtype dtype, const void *x, const void *y, uint64_t count)
{
    const uint64_t bytes = clq_dtype_bits(dtype) / 8;
    for (uint64_t first = 0; first < count; first += COMPARE_ELEMENTS) {
        const char *left = (const char *)x + first * bytes;
        const char *right = (const char *)y + first * bytes;
        const uint64_t some = clq_size_min(COMPARE_ELEMENTS, count - first);
        uint64_t i = 0;
        if (memcmp(left, right, (size_t)(some * bytes)) == 0) {
            continue;
        }
        while (memcmp(left + i * bytes, right + i * bytes, (size_t)bytes) == 0) {
            i++;
        }
        return first + i;
    }
    return UINT64_MAX;
}

static void describe_difference(char *out, size_t capacity, const cli_gemm_job *job, uint64_t at, const void *x,
                                const void *y, const char *device)
{
    const clq_dtype dtype = job->problem.c.dtype;
    uint64_t index[CLI_GEMM_MAX_RANK];
    uint64_t rest = at;
    char place[400];
    char left[CLQ_ELEMENT_BYTES];
    char right[CLQ_ELEMENT_BYTES];
    for (uint32_t i = job->rank; i-- > 0;) {
        index[i] = rest % job->shape[i];
        rest /= job->shape[i];
    }
    clq_format_shape(place, sizeof place, job->rank, index);
    clq_format_element(left, dtype, x, at);
    clq_format_element(right, dtype, y, at);
    clq_format_difference(out, capacity, place, left, device, right);
}

static clq_status compare_rows(const cli_gemm_product *product, const cli_gemm_job *job, const void *x, const void *y,
                               clq_error *error)
{
    const clq_gemm_problem *p = &job->problem;
    const uint64_t at = cli_gemm_first_difference(p->c.dtype, x, y, p->batch * p->m * p->n);
    clq_device_info info;
    char text[700];
    if (at == UINT64_MAX) {
        return CLQ_OK;
    }
    clq_context_device(product->context, &info);
    describe_difference(text, sizeof text, job, at, x, y, info.name);
    return clq_fail(error, CLQ_MISMATCH, "--check: C %s (kernel %s); nothing was written", text, product->plan.variant);
}

/* A buffer of the reference over what `buffer` holds, which stays mapped meanwhile. */
static clq_status borrow(clq_buffer *buffer, clq_context *reference, clq_buffer **borrowed, clq_error *error)
{
    void *memory = NULL;
    if (buffer == NULL) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_buffer_map(buffer, &memory, error));
    return clq_buffer_wrap(reference, memory, clq_buffer_bytes(buffer), borrowed, error);
}

static clq_status borrow_all(cli_gemm_product *product, cli_gemm_product *reference, clq_error *error)
{
    CLQ_TRY(clq_context_create("reference", &reference->context, error));
    CLQ_TRY(borrow(product->a, reference->context, &reference->a, error));
    CLQ_TRY(borrow(product->b, reference->context, &reference->b, error));
    for (int i = 0; i < CLI_GEMM_PARAMETERS; i++) {
        CLQ_TRY(borrow(product->values[i], reference->context, &reference->values[i], error));
    }
    return clq_buffer_create(reference->context, clq_buffer_bytes(product->c), &reference->c, error);
}

static void give_back(clq_buffer *buffer)
{
    if (buffer != NULL) {
        (void)clq_buffer_unmap(buffer, NULL); /* refused when it was never mapped */
    }
}

clq_status cli_gemm_verify(cli_gemm_product *product, const cli_gemm_job *job, cli_progress *progress,
                           uint64_t *done_bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    cli_gemm_product reference;
    void *x = NULL;
    void *y = NULL;
    memset(&reference, 0, sizeof reference);
    snprintf(reference.plan.variant, sizeof reference.plan.variant, "reference"); /* for the progress */
    CLQ_TRY_TO(borrow_all(product, &reference, error));
    CLQ_TRY_TO(cli_gemm_run(&reference, job, progress, done_bytes, error));
    CLQ_TRY_TO(clq_buffer_map(product->c, &x, error));
    CLQ_TRY_TO(clq_buffer_map(reference.c, &y, error));
    CLQ_TRY_TO(compare_rows(product, job, x, y, error));
done:
    cli_gemm_release(&reference);
    give_back(product->a);
    give_back(product->b);
    give_back(product->c);
    for (int i = 0; i < CLI_GEMM_PARAMETERS; i++) {
        give_back(product->values[i]);
    }
    return status;
}
