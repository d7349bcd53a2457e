/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_memory: the memory-bound operations against the roofs of the machine and against oneDNN, in one run.
 *
 *     bench_memory [--device SPEC] [--elements N] [--rounds N] [--json]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/clquant.h>

#include "bench.h"
#include "native.h"
#include "peer_onednn.h"

typedef struct problem {
    clq_context *context;
    clq_quantization q;
    clq_buffer *x, *codes, *other_codes, *y, *scale, *chosen, *zero_point, *range, *nonfinite;
    float *x_host, *y_host, *y_expected;
    int8_t *codes_host, *codes_expected;
    size_t elements;
    float scale_host, max_expected, max_found;
    peer_reorder *peer_quantize, *peer_dequantize;
} problem;

static void die(const clq_error *error)
{
    fprintf(stderr, "bench_memory: %s\n%s", error->message, error->build_log);
    exit(1);
}

static clq_operand whole(clq_buffer *buffer)
{
    const clq_operand operand = {buffer, 0};
    return operand;
}

static int run_minmax(void *cookie)
{
    problem *p = cookie;
    return clq_minmax(p->context, &p->q, whole(p->x), whole(p->range), whole(p->nonfinite), NULL) != CLQ_OK ||
           clq_finish(p->context, NULL) != CLQ_OK;
}

static int check_minmax(void *cookie)
{
    problem *p = cookie;
    float range[2];
    return clq_buffer_read(p->range, 0, range, sizeof range, NULL) != CLQ_OK || range[1] != p->max_expected;
}

static int run_quantize(void *cookie)
{
    problem *p = cookie;
    return clq_quantize(p->context, &p->q, whole(p->x), whole(p->scale), whole(p->zero_point), whole(p->codes), NULL) !=
               CLQ_OK ||
           clq_finish(p->context, NULL) != CLQ_OK;
}

static int run_reciprocal(void *cookie)
{
    problem own = *(problem *)cookie;
    own.codes = own.other_codes;
    own.q.scheme.arithmetic = CLQ_RECIPROCAL;
    return run_quantize(&own);
}

static int check_codes(void *cookie)
{
    problem *p = cookie;
    void *mapped = NULL;
    int differs = clq_buffer_map(p->codes, &mapped, NULL) != CLQ_OK;
    differs = differs || memcmp(mapped, p->codes_expected, p->elements) != 0;
    return clq_buffer_unmap(p->codes, NULL) != CLQ_OK || differs;
}

/* A code may differ by one where x * (1/S) and x/S round apart; more, or many, is an error. */
static int nearly_expected(const problem *p, const int8_t *codes)
{
    size_t differing = 0;
    for (size_t i = 0; i < p->elements; i++) {
        const int distance = codes[i] - p->codes_expected[i];
        if (distance < -1 || distance > 1) {
            return 0;
        }
        differing += distance != 0;
    }
    return differing <= p->elements / 1000;
}

static int check_other_codes(void *cookie)
{
    problem *p = cookie;
    void *mapped = NULL;
    int differs = clq_buffer_map(p->other_codes, &mapped, NULL) != CLQ_OK;
    differs = differs || !nearly_expected(p, mapped);
    return clq_buffer_unmap(p->other_codes, NULL) != CLQ_OK || differs;
}

static int run_dequantize(void *cookie)
{
    problem *p = cookie;
    return clq_dequantize(p->context, &p->q, whole(p->codes), whole(p->scale), whole(p->zero_point), whole(p->y),
                          NULL) != CLQ_OK ||
           clq_finish(p->context, NULL) != CLQ_OK;
}

static int check_reals(void *cookie)
{
    problem *p = cookie;
    void *mapped = NULL;
    int differs = clq_buffer_map(p->y, &mapped, NULL) != CLQ_OK;
    differs = differs || memcmp(mapped, p->y_expected, 4 * p->elements) != 0;
    return clq_buffer_unmap(p->y, NULL) != CLQ_OK || differs;
}

static int run_dynamic(void *cookie)
{
    problem *p = cookie;
    return clq_dynamic_quantize(p->context, &p->q, whole(p->x), whole(p->other_codes), whole(p->chosen),
                                whole(p->zero_point), whole(p->range), whole(p->nonfinite), NULL) != CLQ_OK ||
           clq_finish(p->context, NULL) != CLQ_OK;
}

static int run_native_read(void *cookie)
{
    problem *p = cookie;
    p->max_found = native_read_max(p->x_host, p->elements, 1);
    return p->max_found != p->max_expected;
}

static int run_native_copy(void *cookie)
{
    problem *p = cookie;
    native_copy(p->y_host, p->x_host, 4 * p->elements);
    return 0;
}

static int run_native_quantize(void *cookie)
{
    problem *p = cookie;
    native_quantize(p->x_host, p->elements, p->scale_host, p->codes_host);
    return 0;
}

static int check_native_codes(void *cookie)
{
    problem *p = cookie;
    return memcmp(p->codes_host, p->codes_expected, p->elements) != 0;
}

static int run_native_dequantize(void *cookie)
{
    problem *p = cookie;
    native_dequantize(p->codes_expected, p->elements, p->scale_host, p->y_host);
    return 0;
}

static int check_native_reals(void *cookie)
{
    problem *p = cookie;
    return memcmp(p->y_host, p->y_expected, 4 * p->elements) != 0;
}

static int run_peer_quantize(void *cookie)
{
    problem *p = cookie;
    return p->peer_quantize == NULL ? BENCH_UNSUPPORTED : peer_reorder_run(p->peer_quantize);
}

static int run_peer_dequantize(void *cookie)
{
    problem *p = cookie;
    return p->peer_dequantize == NULL ? BENCH_UNSUPPORTED : peer_reorder_run(p->peer_dequantize);
}

/* oneDNN multiplies by 1/S and clamps to -128. */
static int check_peer_codes(void *cookie)
{
    problem *p = cookie;
    return !nearly_expected(p, p->codes_host);
}

/* Deterministic values in [-1, 1), many of each binade. */
static void fill(problem *p)
{
    uint32_t state = 12345;
    p->max_expected = -INFINITY;
    for (size_t i = 0; i < p->elements; i++) {
        state = state * 1664525u + 1013904223u;
        p->x_host[i] = (float)(int32_t)state * 0x1p-31f * (state & 64 ? 1.0f : 0.125f);
        p->max_expected = p->x_host[i] > p->max_expected ? p->x_host[i] : p->max_expected;
    }
    for (size_t i = 0; i < p->elements; i++) {
        const float y = p->x_host[i] / p->scale_host;
        p->codes_expected[i] = (int8_t)lrintf(y < -127.0f ? -127.0f : y > 127.0f ? 127.0f : y);
        p->y_expected[i] = p->scale_host * (float)p->codes_expected[i];
    }
}

static void make_buffers(problem *p)
{
    const int32_t zero = 0;
    clq_error error;
    if (clq_buffer_wrap(p->context, p->x_host, 4 * p->elements, &p->x, &error) != CLQ_OK ||
        clq_buffer_create(p->context, p->elements, &p->codes, &error) != CLQ_OK ||
        clq_buffer_create(p->context, 4 * p->elements, &p->y, &error) != CLQ_OK ||
        clq_buffer_create(p->context, p->elements, &p->other_codes, &error) != CLQ_OK ||
        clq_buffer_create(p->context, 4, &p->scale, &error) != CLQ_OK ||
        clq_buffer_create(p->context, 4, &p->chosen, &error) != CLQ_OK ||
        clq_buffer_create(p->context, 4, &p->zero_point, &error) != CLQ_OK ||
        clq_buffer_create(p->context, 8, &p->range, &error) != CLQ_OK ||
        clq_buffer_create(p->context, sizeof(clq_nonfinite), &p->nonfinite, &error) != CLQ_OK ||
        clq_buffer_write(p->scale, 0, &p->scale_host, 4, &error) != CLQ_OK ||
        clq_buffer_write(p->zero_point, 0, &zero, 4, &error) != CLQ_OK) {
        die(&error);
    }
}

static void setup(problem *p, const char *device, size_t elements)
{
    clq_error error;
    memset(p, 0, sizeof *p);
    p->elements = elements;
    p->scale_host = 1.0f / 127.0f;
    if (clq_context_create(&p->context, device, &error) != CLQ_OK) {
        die(&error);
    }
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = elements;
    p->x_host = bench_allocate(4 * elements);
    p->y_host = bench_allocate(4 * elements);
    p->y_expected = bench_allocate(4 * elements);
    p->codes_host = bench_allocate(elements);
    p->codes_expected = bench_allocate(elements);
    fill(p);
    make_buffers(p);
    p->peer_quantize = peer_reorder_create(1, p->x_host, p->codes_host, elements, 1.0f / p->scale_host);
    p->peer_dequantize = peer_reorder_create(0, p->codes_expected, p->y_host, elements, p->scale_host);
}

static void teardown(problem *p)
{
    peer_reorder_destroy(p->peer_quantize);
    peer_reorder_destroy(p->peer_dequantize);
    clq_buffer_destroy(&p->x);
    clq_buffer_destroy(&p->codes);
    clq_buffer_destroy(&p->y);
    clq_buffer_destroy(&p->other_codes);
    clq_buffer_destroy(&p->scale);
    clq_buffer_destroy(&p->chosen);
    clq_buffer_destroy(&p->zero_point);
    clq_buffer_destroy(&p->range);
    clq_buffer_destroy(&p->nonfinite);
    clq_context_destroy(&p->context);
    free(p->x_host);
    free(p->y_host);
    free(p->y_expected);
    free(p->codes_host);
    free(p->codes_expected);
}

int main(int argc, char **argv)
{
    const char *device = "auto";
    size_t elements = (size_t)128 << 20;
    bench_timing timing = {.rounds = 9};
    bench_report report = {
        .unit = "GB/s", .unit_key = "gb_per_second", .time_unit = "ms", .times_per_second = 1e3, .who_width = 30};
    bench_fact fact = {"elements", 0};
    int failed;
    problem p;
    clq_device_info info;
    char name[160];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            report.json = 1;
        } else if (i + 1 < argc && strcmp(argv[i], "--device") == 0) {
            device = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--elements") == 0) {
            elements = (size_t)strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0) {
            timing.rounds = atoi(argv[++i]);
        } else {
            fprintf(stderr, "usage: bench_memory [--device SPEC] [--elements N] [--rounds N] [--json]\n");
            return 2;
        }
    }
    if (timing.rounds < 1 || timing.rounds > BENCH_MAX_ROUNDS || elements == 0) {
        fprintf(stderr, "bench_memory: rounds is %d, 1 to %d is possible; elements is %zu, at least 1\n", timing.rounds,
                BENCH_MAX_ROUNDS, elements);
        return 2;
    }
    setup(&p, device, elements);
    fact.value = elements;
    clq_context_device(p.context, &info);
    snprintf(name, sizeof name, "clquant on %.100s", info.name);
    {
        const double n = (double)elements;
        bench_row rows[] = {
            {.problem = "read + max",
             .who = native_description(),
             .work = 4 * n,
             .run = run_native_read,
             .role = BENCH_ROOF},
            {.problem = "read + max", .who = "clquant minmax", .work = 4 * n, .run = run_minmax, .check = check_minmax},
            {.problem = "copy f32",
             .who = native_description(),
             .work = 8 * n,
             .run = run_native_copy,
             .role = BENCH_ROOF},
            {.problem = "quantize f32 -> s8",
             .who = native_description(),
             .work = 5 * n,
             .run = run_native_quantize,
             .check = check_native_codes,
             .role = BENCH_ROOF},
            {.problem = "quantize f32 -> s8",
             .who = "clquant divide",
             .work = 5 * n,
             .run = run_quantize,
             .check = check_codes},
            {.problem = "quantize f32 -> s8",
             .who = "clquant reciprocal",
             .work = 5 * n,
             .run = run_reciprocal,
             .check = check_other_codes},
            {.problem = "quantize f32 -> s8",
             .who = "oneDNN reorder",
             .work = 5 * n,
             .run = run_peer_quantize,
             .check = check_peer_codes},
            {.problem = "dequantize s8 -> f32",
             .who = native_description(),
             .work = 5 * n,
             .run = run_native_dequantize,
             .check = check_native_reals,
             .role = BENCH_ROOF},
            {.problem = "dequantize s8 -> f32",
             .who = "clquant",
             .work = 5 * n,
             .run = run_dequantize,
             .check = check_reals},
            {.problem = "dequantize s8 -> f32",
             .who = "oneDNN reorder",
             .work = 5 * n,
             .run = run_peer_dequantize,
             .check = check_native_reals},
            {.problem = "dynamic quantize",
             .who = "clquant",
             .work = 9 * n,
             .run = run_dynamic,
             .check = check_other_codes},
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            rows[i].cookie = &p;
        }
        failed = bench_run(rows, sizeof rows / sizeof rows[0], &timing);
        bench_report_begin(&report, name, &fact, 1, timing.rounds);
        bench_report_rows(&report, rows, sizeof rows / sizeof rows[0]);
        bench_report_end(&report);
    }
    teardown(&p);
    return failed != 0;
}
