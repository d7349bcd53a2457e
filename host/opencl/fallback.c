/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/fallback.h"

#include <inttypes.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/launch/gemm.h"
#include "opencl/runtime/buffer.h"
#include "reference/executor.h"

enum { OPERANDS = 12, ALIGNMENT_BYTES = 64 };
_Static_assert(OPERANDS >= (int)CLQ_ARG_COUNT && OPERANDS >= (int)CLQ_GEMM_ARGUMENTS, "of any operation");

/* One operand: where it is on the device, and the span of the reference's task, which is moved to the copy. */
typedef struct copy {
    clq_span device;
    clq_span *span;
    uint64_t bytes;
} copy;

typedef struct copies {
    clq_context *context;
    const char *operation;
    size_t count;
    copy list[OPERANDS];
    unsigned char *memory; /* of all of them */
    uint64_t bytes;        /* of it */
} copies;

static void add(copies *c, clq_span *span, uint64_t bytes)
{
    c->list[c->count++] = (copy){*span, span, bytes};
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

/* Outputs as well: what an operation leaves of them as it was, is written back so. */
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
        const copy *o = &c->list[i];
        clq_buffer device = {.context = c->context, .object = o->device.object};
        if (o->bytes > 0) {
            status = clq_cl_buffer_read(&device, o->device.offset_bytes, c->memory + used, o->bytes, error);
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
static clq_status write_back(const copies *c, const copy *o, uint64_t first, uint64_t bytes, clq_error *error)
{
    clq_buffer device = {.context = c->context, .object = o->device.object};
    clq_status status = CLQ_OK;
    if (bytes > 0) {
        status = clq_cl_buffer_write(&device, o->device.offset_bytes + first, c->memory + o->span->offset_bytes + first,
                                     bytes, error);
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
static clq_status write_runs(const copies *c, const copy *o, const clq_task *task, clq_argument argument,
                             clq_error *error)
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

static clq_status write_output(const copies *c, const copy *o, const clq_task *task, clq_argument argument,
                               clq_error *error)
{
    const int is_tensor = argument == CLQ_ARG_CODES || argument == CLQ_ARG_Y;
    return task->is_strided && is_tensor ? write_runs(c, o, task, argument, error)
                                         : write_back(c, o, 0, o->bytes, error);
}

clq_status clq_cl_host_run(clq_context *context, const clq_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_task own = *task;
    copies c = {.context = context, .operation = clq_operation_name(task->operation)};
    clq_argument arguments[CLQ_ARG_COUNT];
    for (int i = 0; i < CLQ_ARG_COUNT; i++) {
        if (clq_argument_is_used(task->operation, (clq_argument)i)) {
            arguments[c.count] = (clq_argument)i;
            add(&c, &own.arguments[i], clq_argument_bytes(task, (clq_argument)i));
        }
    }
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(compute(context, &own, error));
    for (size_t i = 0; i < c.count; i++) {
        if (clq_argument_is_output(task->operation, arguments[i])) {
            CLQ_TRY_TO(write_output(&c, &c.list[i], task, arguments[i], error));
        }
    }
done:
    clq_memory_give(&context->memory, c.memory, c.bytes);
    return status;
}

/* ---- products ---- */

/* Those that there are; returns the place of `wanted` in the list. */
static size_t add_operands(copies *c, clq_gemm_task *own, clq_gemm_argument wanted)
{
    size_t place = 0;
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        if (own->arguments[i].object != NULL) {
            place = i == (int)wanted ? c->count : place;
            add(c, &own->arguments[i],
                clq_gemm_stored_bytes(own, (clq_gemm_argument)i,
                                      clq_gemm_argument_elements(own, (clq_gemm_argument)i)));
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
    add(&c, &panels, clq_cl_gemm_packed_of(task).bytes);
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
    clq_memory_give(&context->memory, c.memory, c.bytes);
    return status;
}

/* Between rows of C others may be writing meanwhile. */
static clq_status write_rows(const copies *c, const copy *o, const clq_gemm_task *task, clq_error *error)
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
    clq_memory_give(&context->memory, c.memory, c.bytes);
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
    clq_memory_give(&context->memory, c.memory, c.bytes);
    return status;
}

clq_status clq_cl_host_weights_create(clq_gemm_weights *weights, const clq_gemm_task *task, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_gemm_task own = *task;
    copies c = {.context = weights->context, .operation = "packing"};
    (void)add_operands(&c, &own, CLQ_GEMM_B);
    CLQ_TRY_TO(read_all(&c, error));
    CLQ_TRY_TO(clq_reference_executor.weights_create(weights, &own, error));
done:
    clq_memory_give(&weights->context->memory, c.memory, c.bytes);
    return status;
}

void clq_cl_host_weights_destroy(clq_gemm_weights *weights)
{
    clq_reference_executor.weights_destroy(weights);
}
