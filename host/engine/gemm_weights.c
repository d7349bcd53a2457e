/* SPDX-License-Identifier: Apache-2.0 */
/* B made ready: packed by the context's executor, or exported as bytes and taken from them again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/hash.h"
#include "engine/context.h"
#include "engine/gemm.h"
#include "engine/gemm_real.h"

/* Its memory is the caller's. */
static int is_imported(const clq_gemm_weights *weights)
{
    return weights->extent.end > weights->extent.first;
}

static clq_status new_weights(clq_context *context, const clq_gemm_task *task, clq_gemm_weights **weights,
                              clq_error *error)
{
    clq_gemm_weights *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the handle of packed weights");
    }
    made->context = context;
    atomic_fetch_add(&context->references, 1);
    made->dtype = task->problem->b.dtype;
    made->zero_point = task->problem->b_zero_point;
    made->n = task->problem->n;
    made->k = task->problem->k;
    made->k_group = task->problem->k_group;
    made->batches = task->b_batches;
    *weights = made;
    return CLQ_OK;
}

clq_status clq_gemm_weights_create(clq_context *context, const clq_gemm_problem *problem, clq_operand b,
                                   clq_operand b_zero_point, clq_gemm_weights **weights, clq_error *error)
{
    clq_status status;
    clq_gemm_task task;
    clq_gemm_weights *made = NULL;
    clq_gemm_real real;
    CLQ_REQUIRE(context != NULL && weights != NULL, "clq_gemm_weights_create: context and weights must not be NULL");
    *weights = NULL;
    CLQ_TRY(clq_gemm_check(problem, error));
    clq_gemm_real_describe(problem, 0, &real);
    clq_gemm_task_init(&task, &real.product);
    CLQ_TRY(clq_gemm_check_operand(context, &task, CLQ_GEMM_B, &b, 0, error));
    CLQ_TRY(clq_gemm_check_operand(context, &task, CLQ_GEMM_B_ZERO_POINT, &b_zero_point, 0, error));
    CLQ_TRY(new_weights(context, &task, &made, error));
    status = context->executor->weights_create(made, &task, error);
    if (status != CLQ_OK) {
        clq_gemm_weights_destroy(&made);
        return status;
    }
    *weights = made;
    return CLQ_OK;
}

void clq_gemm_weights_destroy(clq_gemm_weights **weights)
{
    if (weights == NULL || *weights == NULL) {
        return;
    }
    if ((*weights)->object != NULL && !is_imported(*weights)) {
        (*weights)->context->executor->weights_destroy(*weights);
    }
    clq_context_release((*weights)->context);
    free(*weights);
    *weights = NULL;
}

uint64_t clq_gemm_weights_bytes(const clq_gemm_weights *weights)
{
    return weights->bytes;
}

/* ---- as bytes ---- */

/*
 * What stands before the packed bytes, which begin at a multiple of 64 as kernels want them. In the processor's own
 * order, as they are: read on another kind, `magic` is wrong. Every member is checked, and the hash tells those that
 * changed by accident.
 */
typedef struct header {
    uint64_t magic; /* a number, which the other order of bytes reads as another */
    uint32_t version, form, dtype, zero_point;
    uint64_t n, k, k_group, batches;
    uint64_t hash; /* XXH3 of all before it */
} header;

enum { HEADER_BYTES = CLQ_GEMM_WEIGHTS_ALIGNMENT, VERSION = 2 };

/* Until then codes of 4 bits were packed as codes of 8, and lie otherwise; those of 8 bits as they do now. */
enum { FIRST_VERSION_OF_NIBBLES = 2 };

_Static_assert(sizeof(header) == HEADER_BYTES, "the packed bytes stay aligned");

static const uint64_t MAGIC = UINT64_C(0x424D4D4547514C43); /* "CLQGEMMB", where the least byte comes first */

static const char *const form_names[] = {
    [CLQ_GEMM_FORM_ROWS] = "rows",
    [CLQ_GEMM_FORM_PANELS] = "OpenCL's panels",
    [CLQ_GEMM_FORM_OWN_PANELS] = "the native executor's panels",
};

static uint64_t hash_of(const header *h)
{
    return (uint64_t)XXH3_64bits(h, offsetof(header, hash));
}

uint64_t clq_gemm_weights_export_bytes(const clq_gemm_weights *weights)
{
    return HEADER_BYTES + weights->bytes;
}

/* By a buffer over their memory, for a moment. */
static clq_status read_packed(const clq_gemm_weights *w, void *to, clq_error *error)
{
    clq_buffer view;
    if (w->form != CLQ_GEMM_FORM_PANELS) { /* host memory */
        memcpy(to, (const unsigned char *)w->object + w->offset_bytes, (size_t)w->bytes);
        return CLQ_OK;
    }
    memset(&view, 0, sizeof view);
    view.context = w->context;
    view.object = w->object;
    view.base_offset_bytes = w->offset_bytes;
    view.bytes = w->bytes;
    view.is_readable = 1;
    view.is_host_readable = !is_imported(w); /* where it is the caller's, flags may forbid it */
    return w->context->executor->buffer_read(&view, 0, to, w->bytes, error);
}

clq_status clq_gemm_weights_export(const clq_gemm_weights *weights, void *memory, uint64_t bytes, clq_error *error)
{
    header h;
    CLQ_REQUIRE(weights != NULL && memory != NULL, "clq_gemm_weights_export: weights and memory must not be NULL");
    CLQ_REQUIRE(bytes == clq_gemm_weights_export_bytes(weights),
                "clq_gemm_weights_export: memory has %" PRIu64 " bytes, clq_gemm_weights_export_bytes says %" PRIu64,
                bytes, clq_gemm_weights_export_bytes(weights));
    memset(&h, 0, sizeof h);
    h.magic = MAGIC;
    h.version = VERSION;
    h.form = (uint32_t)weights->form;
    h.dtype = (uint32_t)weights->dtype;
    h.zero_point = (uint32_t)weights->zero_point;
    h.n = weights->n;
    h.k = weights->k;
    h.k_group = weights->k_group;
    h.batches = weights->batches;
    h.hash = hash_of(&h);
    memcpy(memory, &h, sizeof h);
    return read_packed(weights, (unsigned char *)memory + HEADER_BYTES, error);
}

/* That B of the task is what was packed. */
static clq_status check_header(const clq_gemm_task *task, const header *h, clq_error *error)
{
    const clq_gemm_weights told = {.dtype = (clq_dtype)h->dtype,
                                   .zero_point = (clq_gemm_values)h->zero_point,
                                   .n = h->n,
                                   .k = h->k,
                                   .k_group = h->k_group,
                                   .batches = h->batches};
    CLQ_REQUIRE(h->magic == MAGIC, "clq_gemm_weights_import: these are no exported weights of this kind of processor");
    CLQ_REQUIRE(h->version >= 1 && h->version <= VERSION,
                "clq_gemm_weights_import: the weights have version %" PRIu32 ", this library reads 1 to %d", h->version,
                (int)VERSION);
    CLQ_REQUIRE(h->hash == hash_of(h), "clq_gemm_weights_import: the first %d bytes of the weights are damaged",
                (int)HEADER_BYTES);
    CLQ_TRY(clq_gemm_check_packed(task, &told, error));
    CLQ_REQUIRE(h->version >= FIRST_VERSION_OF_NIBBLES || clq_dtype_bits(told.dtype) == 8,
                "clq_gemm_weights_import: the weights have version %" PRIu32
                ", in which codes of 4 bits lie otherwise: pack B again",
                h->version);
    return CLQ_OK;
}

/* That they lie as this context makes them, and all of them; `form` is what it makes. */
static clq_status check_form(clq_context *context, const clq_gemm_task *task, const header *h,
                             const clq_operand *exported, clq_gemm_weights *form, clq_error *error)
{
    const uint64_t have = exported->buffer->bytes - exported->offset;
    CLQ_TRY(context->executor->weights_form(context, task, form, error));
    if (h->form != (uint32_t)form->form) {
        return clq_fail(error, CLQ_UNSUPPORTED,
                        "clq_gemm_weights_import: the weights are packed as %s, and %s multiplies %s: pack B there",
                        h->form >= CLQ_GEMM_FORM_ROWS && h->form <= CLQ_GEMM_FORM_OWN_PANELS ? form_names[h->form]
                                                                                             : "nothing known",
                        context->device.name, form_names[form->form]);
    }
    CLQ_REQUIRE(form->bytes <= have - HEADER_BYTES,
                "clq_gemm_weights_import: the weights have %" PRIu64 " bytes, the buffer has %" PRIu64
                " from offset %" PRIu64,
                HEADER_BYTES + form->bytes, have, exported->offset);
    return CLQ_OK;
}

/* In place; but what the host is to multiply for a device is fetched, by the executor: it may have flags that keep its
 * caller from reading it. */
static clq_status adopt(clq_gemm_weights *weights, const clq_operand *exported, clq_error *error)
{
    const uint64_t first = exported->offset + HEADER_BYTES;
    if (weights->form != CLQ_GEMM_FORM_ROWS || weights->context->cl == NULL) {
        weights->object = exported->buffer->object;
        weights->offset_bytes = exported->buffer->base_offset_bytes + first;
        weights->extent = clq_buffer_part(exported->buffer, first, weights->bytes);
        return CLQ_OK;
    }
    CLQ_TRY(clq_memory_take(&weights->context->memory, weights->bytes, _Alignof(max_align_t), "packed weights",
                            &weights->object, error));
    return weights->context->executor->buffer_read(exported->buffer, first, weights->object, weights->bytes, error);
}

clq_status clq_gemm_weights_import(clq_context *context, const clq_gemm_problem *problem, clq_operand exported,
                                   clq_gemm_weights **weights, clq_error *error)
{
    clq_gemm_task task;
    clq_gemm_real real;
    clq_gemm_weights *made = NULL;
    clq_gemm_weights form = {0};
    header h;
    uint64_t first;
    clq_status status;
    CLQ_REQUIRE(context != NULL && weights != NULL, "clq_gemm_weights_import: context and weights must not be NULL");
    *weights = NULL;
    CLQ_TRY(clq_gemm_check(problem, error));
    clq_gemm_real_describe(problem, 0, &real);
    clq_gemm_task_init(&task, &real.product);
    CLQ_TRY(clq_buffer_check(exported.buffer, context, "clq_gemm_weights_import", "exported", 1, 0, error));
    first = exported.buffer->base_offset_bytes + exported.offset;
    CLQ_REQUIRE(exported.offset <= exported.buffer->bytes && HEADER_BYTES <= exported.buffer->bytes - exported.offset,
                "clq_gemm_weights_import: exported weights have %d bytes and more, the buffer has %" PRIu64
                " from offset %" PRIu64,
                (int)HEADER_BYTES, exported.buffer->bytes, exported.offset);
    CLQ_REQUIRE(first % CLQ_GEMM_WEIGHTS_ALIGNMENT == 0,
                "clq_gemm_weights_import: the weights begin at byte %" PRIu64 " of their memory, a multiple of %d is "
                "required",
                first, (int)CLQ_GEMM_WEIGHTS_ALIGNMENT);
    CLQ_REQUIRE(context->cl != NULL || ((uintptr_t)exported.buffer->object + first) % sizeof(uint32_t) == 0,
                "clq_gemm_weights_import: the memory that was wrapped begins within a word of 32 bits");
    CLQ_TRY(context->executor->buffer_read(exported.buffer, exported.offset, &h, sizeof h, error));
    CLQ_TRY(check_header(&task, &h, error));
    CLQ_TRY(check_form(context, &task, &h, &exported, &form, error));
    CLQ_TRY(new_weights(context, &task, &made, error));
    made->form = form.form;
    made->bytes = form.bytes;
    made->by_host = form.by_host;
    status = adopt(made, &exported, error);
    if (status != CLQ_OK) {
        clq_gemm_weights_destroy(&made);
        return status;
    }
    *weights = made;
    return CLQ_OK;
}
