/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kernel of the product is compared with the reference before its first use, as trial/walk.c does for the others:
 * here on problems that have ragged edges, both types, zero points of every kind, and every output stage. All operands
 * lie in one piece of memory, which afterwards is compared as a whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/launch/gemm.h"
#include "reference/reference.h"

enum { COLUMNS = 37, DEPTH = 70, GROUPS = (DEPTH + GROUP_DEPTH - 1) / GROUP_DEPTH };
enum { ARENA_BYTES = 64 << 10, WORKSPACE_BYTES = 256 << 10 };

typedef struct gemm_trial {
    clq_context *context;
    cl_command_queue queue;
    cl_mem memory; /* the operands, then scratch memory */
    unsigned char *host, *got;
} gemm_trial;

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static float next_scale(uint32_t *state)
{
    return (float)(1 + next_random(state) % 1000) * 0x1p-14f;
}

/* Parameters within their bounds; codes of all values. */
static void fill(const clq_gemm_task *task, clq_gemm_argument argument, unsigned char *to, uint32_t *state)
{
    const uint64_t count = clq_gemm_argument_elements(task, argument);
    const int is_real = argument == CLQ_GEMM_A_SCALE || argument == CLQ_GEMM_B_SCALE ||
                        (argument == CLQ_GEMM_MULTIPLIER && task->problem->requantize == CLQ_REQUANTIZE_FLOAT);
    for (uint64_t i = 0; i < count; i++) {
        const float real = next_scale(state);
        int32_t value = (int32_t)(next_random(state) % 512) - 256;
        if (argument == CLQ_GEMM_A || argument == CLQ_GEMM_B) {
            to[i] = (unsigned char)next_random(state);
            continue;
        }
        if (argument == CLQ_GEMM_MULTIPLIER) {
            value = task->problem->requantize == CLQ_REQUANTIZE_SHIFT
                        ? (int32_t)(next_random(state) % 100)
                        : (int32_t)((1u << 30) + next_random(state) * 50u);
        }
        if (argument == CLQ_GEMM_SHIFT) {
            value = task->problem->requantize == CLQ_REQUANTIZE_SHIFT ? (int32_t)(8 + i % 6) : 1 - (int32_t)(i % 13);
        }
        if (is_real) {
            memcpy(to + 4 * i, &real, sizeof real);
        } else {
            memcpy(to + 4 * i, &value, sizeof value);
        }
    }
}

/* Six problems with every type, kind of parameter and output. */
enum { PROBLEMS = 6 };

static void make_problem(clq_gemm_problem *p, int number, uint64_t m)
{
    static const struct {
        clq_dtype a, b, c;
        clq_requantize_mode mode;
        clq_gemm_values a_zero_point, b_zero_point, values, bias;
        int transposed_a, transposed_b;
    } kinds[PROBLEMS] = {
        {CLQ_S8, CLQ_S8, CLQ_S32, 0, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, CLQ_GEMM_ABSENT, 0, 0},
        {CLQ_U8, CLQ_S8, CLQ_S8, CLQ_REQUANTIZE_DOUBLE, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_ABSENT, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_PER_COLUMN, 0, 1},
        {CLQ_S8, CLQ_U8, CLQ_U8, CLQ_REQUANTIZE_SINGLE, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_ABSENT, 1, 0},
        {CLQ_U8, CLQ_U8, CLQ_S8, CLQ_REQUANTIZE_SHIFT, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_TENSOR, CLQ_GEMM_PER_TENSOR,
         CLQ_GEMM_PER_COLUMN, 0, 0},
        {CLQ_S8, CLQ_S8, CLQ_U8, CLQ_REQUANTIZE_FLOAT, CLQ_GEMM_PER_ROW, CLQ_GEMM_ABSENT, CLQ_GEMM_PER_COLUMN,
         CLQ_GEMM_PER_COLUMN, 0, 1},
        {CLQ_U8, CLQ_S8, CLQ_F32, 0, CLQ_GEMM_PER_ROW, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_PER_COLUMN, CLQ_GEMM_ABSENT, 1, 0},
    };
    const int is_codes = kinds[number].c == CLQ_S8 || kinds[number].c == CLQ_U8;
    clq_gemm_init(p);
    p->m = m;
    p->n = COLUMNS;
    p->k = DEPTH;
    p->batch = 2;
    p->a.dtype = kinds[number].a;
    p->b.dtype = kinds[number].b;
    p->c.dtype = kinds[number].c;
    p->a.transposed = kinds[number].transposed_a;
    p->b.transposed = kinds[number].transposed_b;
    p->a.batch_stride = m * DEPTH + 3;
    p->c.batch_stride = m * COLUMNS;
    p->requantize = kinds[number].mode;
    p->a_zero_point = kinds[number].a_zero_point;
    p->b_zero_point = kinds[number].b_zero_point;
    p->bias = kinds[number].bias;
    p->multiplier = is_codes ? kinds[number].values : CLQ_GEMM_ABSENT;
    p->c_zero_point = is_codes ? CLQ_GEMM_PER_TENSOR : CLQ_GEMM_ABSENT;
    if (p->c.dtype == CLQ_F32) {
        p->a_scale = CLQ_GEMM_PER_ROW;
        p->b_scale = CLQ_GEMM_PER_COLUMN;
    }
}

/* Place the operands in the arena, with something between them, and fill them. */
static void lay_out(const gemm_trial *t, clq_gemm_task *task)
{
    uint64_t used = 16;
    uint32_t state = 2463534242u;
    memset(t->host, 0x5A, ARENA_BYTES);
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        const clq_gemm_argument argument = (clq_gemm_argument)i;
        const uint64_t bytes = clq_gemm_argument_elements(task, argument) * clq_gemm_element_bytes(task, argument);
        if (bytes > 0) {
            task->arguments[i].object = t->memory;
            task->arguments[i].offset_bytes = used;
            if (argument != CLQ_GEMM_C) {
                fill(task, argument, t->host + used, &state);
            }
            used += (bytes + 31) / 16 * 16;
        }
    }
}

/* In slices too, which brings in the second kernel of split-k. */
static clq_status compare(gemm_trial *t, const clq_gemm_choice *choice, int number, uint64_t m, int in_slices,
                          int *same, clq_error *error)
{
    clq_gemm_problem problem;
    clq_gemm_task task;
    clq_gemm_choice own;
    clq_cl_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.context = t->context;
    stream.queue = t->queue;
    stream.workspace = t->memory;
    stream.workspace_offset_bytes = ARENA_BYTES;
    make_problem(&problem, number, m);
    clq_gemm_task_init(&task, &problem);
    lay_out(t, &task);
    task.only_variant = 1 + (int)choice->variant;
    CLQ_TRY(clq_cl_gemm_choose(t->context, &task, &own, error));
    own.slices = in_slices ? 2 : 1;
    own.slice_groups = in_slices ? GROUPS / 2 : GROUPS;
    own.tiles_per_item = in_slices ? 3 : 1;
    CLQ_CL(clEnqueueWriteBuffer, t->queue, t->memory, CL_TRUE, 0, ARENA_BYTES, t->host, 0, NULL, NULL);
    CLQ_TRY(clq_cl_gemm_multiply(&stream, &task, &own, error));
    CLQ_CL(clEnqueueReadBuffer, t->queue, t->memory, CL_TRUE, 0, ARENA_BYTES, t->got, 0, NULL, NULL);
    for (int i = 0; i < CLQ_GEMM_ARGUMENTS; i++) {
        task.arguments[i].object = task.arguments[i].object != NULL ? t->host : NULL;
    }
    clq_reference_gemm(&task);
    *same = *same && memcmp(t->host, t->got, ARENA_BYTES) == 0;
    return CLQ_OK;
}

/* A height of the problem that leads to the same program, with a ragged last tile where there can be one. */
static uint64_t trial_rows(const clq_gemm_choice *choice)
{
    switch (choice->tile_rows) {
    case 0:
        return 70;
    case 6:
        return choice->variant == CLQ_VARIANT_CPU_AVX2 ? 11 : 6;
    case 8:
        return choice->variant == CLQ_VARIANT_GEMV ? 8 : 15;
    case 12:
        return 17;
    default:
        return choice->tile_rows;
    }
}

static clq_status check_kernel(clq_context *context, const clq_gemm_choice *choice, int *same, clq_error *error)
{
    clq_status status = CLQ_OK;
    cl_int code = CL_SUCCESS;
    gemm_trial t;
    memset(&t, 0, sizeof t);
    t.context = context;
    t.host = malloc(2 * ARENA_BYTES);
    *same = 1;
    if (t.host == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to check a kernel");
    }
    t.got = t.host + ARENA_BYTES;
    t.queue = clCreateCommandQueue(context->cl->context, context->cl->device, 0, &code);
    if (t.queue == NULL) {
        status = clq_cl_fail(error, code, "clCreateCommandQueue");
        goto done;
    }
    t.memory = clCreateBuffer(context->cl->context, CL_MEM_READ_WRITE, ARENA_BYTES + WORKSPACE_BYTES, NULL, &code);
    if (t.memory == NULL) {
        status = clq_cl_fail(error, code, "clCreateBuffer");
        goto done;
    }
    for (int i = 0; i < PROBLEMS; i++) {
        CLQ_TRY_TO(compare(&t, choice, i, trial_rows(choice), 0, same, error));
        CLQ_TRY_TO(compare(&t, choice, i, trial_rows(choice), 1, same, error));
    }
done:
    clq_cl_queue_release(t.queue, status);
    if (t.memory != NULL) {
        (void)clReleaseMemObject(t.memory);
    }
    free(t.host);
    return status;
}

static atomic_uchar *entry(const clq_context *context, const clq_gemm_choice *choice)
{
    return &context->cl->gemm_trust[choice->variant][choice->tile_rows];
}

static void describe(const clq_gemm_choice *choice, char *text, size_t capacity)
{
    snprintf(text, capacity, "gemm, %s, tiles of %u rows", clq_variant_name(choice->variant),
             (unsigned)choice->tile_rows);
}

/*
 * Whether a failure is the variant's own: the compiler refuses its file, or it is too large for the device. What fails
 * for want of memory, or in the kernels that all variants share, is no verdict on it.
 */
static int is_variants_own(clq_status status, const clq_error *story, const clq_gemm_choice *choice)
{
    if (status == CLQ_BUILD_FAILED) {
        return strstr(story->message, choice->file) != NULL;
    }
    return status == CLQ_DEVICE_ERROR && story->opencl_code == CL_INVALID_WORK_GROUP_SIZE;
}

static void set_aside(clq_context *context, const clq_gemm_choice *choice, clq_status status)
{
    const int is_too_large = status == CLQ_DEVICE_ERROR;
    const char *why = is_too_large                 ? "needs larger work-groups than there are"
                      : status == CLQ_BUILD_FAILED ? "does not build"
                                                   : "gives bytes that differ from the reference";
    clq_context_log(context, CLQ_LOG_WARNING, "gemm on %s: kernel %s %s; it is set aside", context->device.name,
                    choice->kernel, why);
    atomic_store(entry(context, choice), (unsigned char)(is_too_large ? CLQ_TOO_LARGE : CLQ_DISTRUSTED));
}

/* By what is known from earlier runs, else by comparing. The error stays filled when the variant does not build. */
static clq_status judge(clq_context *context, const clq_gemm_choice *choice, clq_error *story)
{
    int same = 0;
    char what[80];
    clq_status status;
    describe(choice, what, sizeof what);
    if (clq_cl_cache_has_verdict(context, what)) {
        atomic_store(entry(context, choice), CLQ_TRUSTED);
        return CLQ_OK;
    }
    clq_context_log(context, CLQ_LOG_DEBUG, "comparing with the reference: %s", what);
    status = check_kernel(context, choice, &same, story);
    if (status == CLQ_OK && same) {
        clq_cl_cache_store_verdict(context, what);
        atomic_store(entry(context, choice), CLQ_TRUSTED);
        return CLQ_OK;
    }
    if (status != CLQ_OK && !is_variants_own(status, story, choice)) {
        return status;
    }
    set_aside(context, choice, status);
    return CLQ_OK;
}

/* A compiler's story is told as it is, with its log; else the last one tried is named. */
static clq_status nothing_left(const clq_context *context, const clq_gemm_choice *choice, const clq_error *story,
                               clq_error *error)
{
    if (story->status == CLQ_BUILD_FAILED && error != NULL) {
        *error = *story;
        return clq_fail_in(error, CLQ_BUILD_FAILED, "gemm: kernel %s", choice->kernel);
    }
    return clq_fail(error, CLQ_MISMATCH,
                    "gemm on %s: no kernel gives the bytes of the reference there (%s was the last one tried)",
                    context->device.name, choice->kernel);
}

/* Ends: each round trusts a variant or sets one aside. */
static clq_status find_trusted(clq_context *context, const clq_gemm_task *task, clq_gemm_choice *choice,
                               clq_error *error)
{
    clq_gemm_choice next;
    CLQ_TRY(clq_cl_gemm_choose(context, task, choice, error));
    for (;;) {
        clq_error story;
        memset(&story, 0, sizeof story);
        if (atomic_load(entry(context, choice)) == CLQ_UNKNOWN) {
            const clq_status status = judge(context, choice, &story);
            if (status != CLQ_OK) {
                if (error != NULL) {
                    *error = story;
                }
                return status;
            }
        }
        if (atomic_load(entry(context, choice)) == CLQ_TRUSTED) {
            return CLQ_OK;
        }
        CLQ_TRY(clq_cl_gemm_choose(context, task, &next, error));
        if (next.variant == choice->variant) {
            return nothing_left(context, choice, &story, error);
        }
        *choice = next;
    }
}

clq_status clq_cl_gemm_trusted_choice(clq_context *context, const clq_gemm_task *task, clq_gemm_choice *choice,
                                      clq_error *error)
{
    clq_status status;
    CLQ_TRY(clq_cl_gemm_choose(context, task, choice, error));
    if (clq_cl_is_interpreted(context) || atomic_load(entry(context, choice)) == CLQ_TRUSTED) {
        return CLQ_OK;
    }
    pthread_mutex_lock(&context->cl->trust_lock);
    status = find_trusted(context, task, choice, error);
    pthread_mutex_unlock(&context->cl->trust_lock);
    return status;
}
