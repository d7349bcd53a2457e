/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/fallback.h"

#include <inttypes.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/runtime/bounce.h"
#include "opencl/runtime/buffer.h"
#include "opencl/runtime/memory.h"
#include "reference/executor.h"

enum { OPERANDS = 12, ALIGNMENT_BYTES = 64 };
_Static_assert(OPERANDS >= (int)CLQ_ARG_COUNT && OPERANDS >= (int)CLQ_GEMM_ARGUMENTS, "of any operation");

/* One operand: where it is on the device, and the span of the reference's task, which is moved to the copy. */
typedef struct copy {
    clq_buffer device; /* over it, for a moment */
    clq_span *span;
    uint64_t bytes;
    int is_output;
    int is_filled; /* by the operation, from its first element to its last: it need not be read */
} copy;

typedef struct copies {
    clq_context *context;
    const char *operation;
    size_t count;
    copy list[OPERANDS];
    unsigned char *memory; /* of all of them */
    uint64_t bytes;        /* of it */
    clq_cl_bounce bounce;  /* for operands that the host may not read or write itself */
} copies;

static copy *add(copies *c, clq_span *span, uint64_t bytes)
{
    copy *o = &c->list[c->count++];
    memset(o, 0, sizeof *o);
    o->device.context = c->context;
    o->device.object = span->object;
    o->device.base_offset_bytes = span->offset_bytes;
    o->span = span;
    o->bytes = bytes;
    return o;
}

static void release(copies *c)
{
    clq_memory_give(&c->context->memory, c->memory, c->bytes);
    clq_cl_bounce_release(&c->bounce);
}

static clq_status fail_in(const copies *c, clq_status status, clq_error *error)
{
    return clq_fail_in(error, status, "%s by the host in place of %s", c->operation, c->context->device.name);
}

/* To the next multiple of the alignment; 0 when that overflows. */
static int add_aligned(uint64_t *total, uint64_t bytes)
{
    const int fits = clq_size_add(*total, bytes, total) && clq_size_add(*total, ALIGNMENT_BYTES - 1, total);
    *total -= *total % ALIGNMENT_BYTES;
    return fits;
}

/* What the flags of a caller's memory keep from the host goes by way of the device. */
static clq_status fetch(copies *c, copy *o, unsigned char *to, clq_error *error)
{
    clq_cl_memory_facts found;
    CLQ_TRY(clq_cl_memory_of(c->context, o->device.object, "the memory of an operand", &found, error));
    o->device.is_host_readable = found.is_host_readable;
    o->device.is_host_writable = found.is_host_writable;
    if (o->is_output && !found.is_host_writable) { /* no write is to fail for want of memory */
        CLQ_TRY(clq_cl_bounce_reserve(&c->bounce, c->context, o->bytes, error));
    }
    if (o->is_filled) {
        return CLQ_OK;
    }
    return found.is_host_readable ? clq_cl_buffer_read(&o->device, 0, to, o->bytes, error)
                                  : clq_cl_bounce_read(&c->bounce, &o->device, 0, to, o->bytes, error);
}

/* Outputs as well, but for those that are filled: what an operation leaves of them as it was, is written back so. */
static clq_status read_all(copies *c, clq_error *error)
{
    uint64_t total = ALIGNMENT_BYTES;
    uint64_t used = 0;
    int fits = 1;
    void *memory = NULL;
    clq_status status;
    for (size_t i = 0; i < c->count; i++) {
        fits = fits && add_aligned(&total, c->list[i].bytes);
    }
    c->bytes = total;
    status = fits ? clq_memory_take(&c->context->memory, total, _Alignof(max_align_t), "a copy of the operands",
                                    &memory, error)
                  : clq_fail(error, CLQ_OUT_OF_MEMORY, "operands of 2^64 bytes and more");
    if (status != CLQ_OK) {
        return fail_in(c, status, error);
    }
    c->memory = memory;
    for (size_t i = 0; i < c->count; i++) {
        copy *o = &c->list[i];
        if (o->bytes > 0) {
            status = fetch(c, o, c->memory + used, error);
            if (status != CLQ_OK) {
                return fail_in(c, status, error);
            }
        }
        *o->span = (clq_span){c->memory, used};
        (void)add_aligned(&used, o->bytes);
    }
    return CLQ_OK;
}

/* Bytes [first, first + bytes) of an operand. */
static clq_status write_back(copies *c, copy *o, uint64_t first, uint64_t bytes, clq_error *error)
{
    const unsigned char *from = c->memory + o->span->offset_bytes + first;
    clq_status status = CLQ_OK;
    if (bytes > 0) {
        status = o->device.is_host_writable ? clq_cl_buffer_write(&o->device, first, from, bytes, error)
                                            : clq_cl_bounce_write(&c->bounce, &o->device, first, from, bytes, error);
    }
    return status == CLQ_OK ? CLQ_OK : fail_in(c, status, error);
}

/* ---- who computes ---- */

/* Whether memory that grows with the data is the same caller's, who may have set another one since. */
static int has_memory_of(const clq_context *host, const clq_context *context)
{
    return host->memory.allocate == context->memory.allocate && host->memory.release == context->memory.release &&
           host->memory.cookie == context->memory.cookie;
}

/* A context of the executor in host memory that the engine has named, made where it serves for the first time; NULL:
 * the reference has to. */
static clq_context *host_of(clq_context *context)
{
    clq_context *host = atomic_load(&context->cl->host);
    clq_context *made = NULL;
    if (host == NULL && context->make_host != NULL && context->make_host(&made, NULL) == CLQ_OK) {
        made->memory.allocate = context->memory.allocate;
        made->memory.release = context->memory.release;
        made->memory.cookie = context->memory.cookie;
        if (atomic_compare_exchange_strong(&context->cl->host, &host, made)) {
            host = made;
        } else {
            clq_context_release(made); /* another thread's is there */
        }
    }
    return host != NULL && has_memory_of(host, context) ? host : NULL;
}

static clq_status compute(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_context *host = host_of(context);
    return host != NULL ? host->executor->run(host, task, error) : clq_reference_executor.run(NULL, task, error);
}

/* Weights that were packed elsewhere are the reference's. */
static clq_status multiply(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    clq_context *host = task->weights == NULL ? host_of(context) : NULL;
    return host != NULL ? host->executor->gemm(host, task, error) : clq_reference_executor.gemm(NULL, task, error);
}

/* ---- one tensor ---- */

/* A tensor with gaps, run by run, or element by element where these lie apart: others may be writing between them. */
static clq_status write_runs(copies *c, copy *o, const clq_task *task, clq_argument argument, clq_error *error)
{
    const clq_strides *strides = clq_argument_strides(task->q, argument);
    clq_runs runs;
    uint64_t pieces;
    clq_runs_of(&task->q->layout, task->geometry.elements, strides, strides, &runs);
    pieces = runs.left.step == 1 ? 1 : runs.run;
    for (uint64_t i = 0; i < runs.count; i++) {
        for (uint64_t j = 0; j < pieces; j++) {
            const uint64_t first = clq_run_place(&runs, &runs.left, i) + j * runs.left.step;
            CLQ_TRY(write_back(c, o, clq_argument_offset_bytes(task, argument, first),
                               clq_argument_offset_bytes(task, argument, runs.run / pieces), error));
        }
    }
    return CLQ_OK;
}

static clq_status write_output(copies *c, copy *o, const clq_task *task, clq_argument argument, clq_error *error)
{
    const int is_tensor = argument == CLQ_ARG_CODES || argument == CLQ_ARG_Y;
    return task->is_strided && is_tensor ? write_runs(c, o, task, argument, error)
                                         : write_back(c, o, 0, o->bytes, error);
}

/* Whether no byte between its first element and its last is written back but what the operation wrote. Two codes of 4
 * bits share a byte, and the last may have one of its own. */
static int is_filled(const clq_task *task, clq_argument argument)
{
    return clq_argument_is_output(task->operation, argument) && !clq_argument_is_input(task->operation, argument) &&
           (argument == CLQ_ARG_Y || (argument == CLQ_ARG_CODES && clq_dtype_bits(task->q->scheme.dtype) != 4));
}

clq_status clq_cl_host_run(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_task own = *task;
    copies c = {.context = context, .operation = clq_operation_name(task->operation)};
    clq_argument arguments[CLQ_ARG_COUNT];
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (clq_argument_is_used(task->operation, (clq_argument)i)) {
            copy *o;
            arguments[c.count] = (clq_argument)i;
            o = add(&c, &own.arguments[i], clq_argument_bytes(task, (clq_argument)i));
            o->is_output = clq_argument_is_output(task->operation, (clq_argument)i);
            o->is_filled = is_filled(task, (clq_argument)i);
        }
    }
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(compute(context, &own, error));
    for (size_t i = 0; i < c.count; i++) {
        if (c.list[i].is_output) {
            CLQ_TRY_TO(write_output(&c, &c.list[i], task, arguments[i], error));
        }
    }
done:
    release(&c);
    return status;
}

/* ---- products ---- */

/* Those that there are; returns the place of the output in the list, of which rows are written back, or sums. */
static size_t add_operands(copies *c, clq_gemm_task *own, clq_gemm_argument output)
{
    size_t place = 0;
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        if (own->arguments[i].object != NULL) {
            copy *o;
            place = i == (int)output ? c->count : place;
            o = add(c, &own->arguments[i],
                    clq_gemm_stored_bytes(own, (clq_gemm_argument)i,
                                          clq_gemm_argument_elements(own, (clq_gemm_argument)i)));
            o->is_output = o->is_filled = i == (int)output;
        }
    }
    return place;
}

static uint32_t take_word(const unsigned char *words, uint64_t i)
{
    uint32_t word;
    memcpy(&word, words + 4 * i, sizeof word);
    return word;
}

static void unpack_batch(const clq_gemm_task *task, const clq_gemm_packed *packed, const unsigned char *words,
                         uint32_t flip, unsigned char *codes)
{
    const clq_gemm_problem *p = task->problem;
    const int is_s4 = p->b.dtype == CLQ_S4;
    const uint32_t bits = (uint32_t)clq_dtype_bits(p->b.dtype);
    const uint64_t depth = bits == 4 ? NIBBLE_GROUPS * GROUP_DEPTH : GROUP_DEPTH;
    for (uint64_t k = 0; k < p->k; k++) {
        for (uint64_t n = 0; n < p->n; n++) {
            const uint64_t word = (n / PANEL_COLUMNS * packed->lines + k / depth) * PANEL_COLUMNS +
                                  n % PANEL_COLUMNS; /* kernels/gemm_pack.cl */
            const uint64_t shift = k % GROUP_DEPTH * 8 + k % depth / GROUP_DEPTH * 4;
            const uint32_t code = (take_word(words, word) >> shift & ((1U << bits) - 1)) ^ flip;
            codes[k * p->n + n] = (unsigned char)(is_s4 ? (code ^ 8) - 8 : code);
        }
    }
}

/* Codes and zero points from panels, which were compared with the reference when they were packed. */
static void unpack(const clq_gemm_task *task, const unsigned char *words, unsigned char *to)
{
    const clq_gemm_packed packed = clq_cl_gemm_packed_of(task);
    const clq_gemm_problem *p = task->problem;
    const uint32_t offset = clq_cl_gemm_code_offset(p->b.dtype);
    unsigned char *zero_points = to + task->b_batches * p->k * p->n;
    for (uint64_t z = 0; z < task->b_batches; z++) {
        unpack_batch(task, &packed, words + 4 * (task->packed_first + z) * packed.batch_words, offset,
                     to + z * p->k * p->n);
    }
    for (uint64_t i = 0; i < task->values[CLQ_GEMM_B_ZERO_POINT] && packed.parts > 0; i++) {
        const uint64_t part = p->b_zero_point == CLQ_GEMM_PER_GROUP ? i % packed.parts : 0;
        const uint64_t column = p->b_zero_point == CLQ_GEMM_PER_GROUP ? i / packed.parts : i;
        const uint64_t at = packed.columns + packed.zero_points +
                            (task->packed_first + column / p->n) * packed.columns_batch + part * packed.columns_part +
                            column % p->n;
        const uint32_t zero_point = take_word(words, at) + offset;
        memcpy(zero_points + 4 * i, &zero_point, sizeof zero_point);
    }
}

/* The weights of a product that the device was to multiply, as the reference has them. */
static clq_status fetch_weights(clq_context *context, const clq_gemm_task *task, clq_gemm_weights *host,
                                clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t bytes = task->b_batches * p->k * p->n + 4 * task->values[CLQ_GEMM_B_ZERO_POINT];
    clq_status status = CLQ_OK;
    clq_span panels = {task->weights->object, task->weights->offset_bytes};
    copies c = {.context = context, .operation = "gemm"};
    (void)add(&c, &panels, clq_cl_gemm_packed_of(task).bytes);
    CLQ_TRY_TO(read_all(&c, error));
    *host = *task->weights;
    host->offset_bytes = 0;
    host->bytes = bytes;
    host->object = NULL;
    status = clq_memory_take(&context->memory, bytes, _Alignof(max_align_t), "weights", &host->object, error);
    if (status != CLQ_OK) {
        (void)fail_in(&c, status, error);
        goto done;
    }
    memset(host->object, 0, (size_t)bytes);
    unpack(task, c.memory, host->object);
done:
    release(&c);
    return status;
}

/* Between rows of C others may be writing meanwhile. */
static clq_status write_rows(copies *c, copy *o, const clq_gemm_task *task, clq_error *error)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t size = clq_gemm_stored_bytes(task, CLQ_GEMM_C, 1);
    const int together = task->c.row_stride == p->n;
    for (uint64_t z = 0; z < p->batch; z++) {
        for (uint64_t row = 0; row < (together ? 1 : p->m); row++) {
            CLQ_TRY(write_back(c, o, (z * task->c.batch + row * task->c.row_stride) * size,
                               (together ? p->m : 1) * p->n * size, error));
        }
    }
    return CLQ_OK;
}

clq_status clq_cl_host_gemm(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gemm_task own = *task;
    clq_gemm_weights weights = {.object = NULL};
    copies c = {.context = context, .operation = "gemm"};
    const size_t place = add_operands(&c, &own, CLQ_GEMM_C);
    if (task->weights != NULL && task->weights->form != CLQ_GEMM_FORM_ROWS) {
        CLQ_TRY_TO(fetch_weights(context, task, &weights, error));
        own.weights = &weights;
        own.packed_batches = task->b_batches;
        own.packed_first = 0;
    }
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(multiply(context, &own, error));
    CLQ_TRY_TO(write_rows(&c, &c.list[place], task, error));
done:
    clq_memory_give(&context->memory, weights.object, weights.bytes);
    release(&c);
    return status;
}

clq_status clq_cl_host_row_sums(clq_context *context, const clq_gemm_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gemm_task own = *task;
    copies c = {.context = context, .operation = "row sums"};
    const size_t place = add_operands(&c, &own, CLQ_GEMM_A_SUMS);
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(clq_reference_executor.gemm_row_sums(NULL, &own, error));
    CLQ_TRY_TO(write_back(&c, &c.list[place], 0, c.list[place].bytes, error));
done:
    release(&c);
    return status;
}

clq_status clq_cl_host_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gemm_task own = *task;
    copies c = {.context = weights->context, .operation = "packing"};
    (void)add_operands(&c, &own, CLQ_GEMM_ARGUMENTS);
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(clq_reference_executor.weights_create(weights, &own, error));
done:
    release(&c);
    return status;
}

void clq_cl_host_weights_destroy(clq_gemm_weights *weights)
{
    clq_reference_executor.weights_destroy(weights);
}
