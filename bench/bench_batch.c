/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_batch: many small tensors in one buffer, by one call each and as one batch, beside one tensor of the same total
 * size. A run ends with clq_finish.
 *
 *     bench_batch [--device SPEC] [--tensors N,N,...] [--elements N] [--large N] [--rounds N] [--json]
 *
 * --large: one more tensor, of N elements, at the list's end.
 *
 * Predicted before the first run (10000 tensors of 1024 f32, PoCL on 2 cores, where an enqueued kernel costs 4 to 10 us
 * and memory gives about 25 GB/s): one call each 50 to 100 ms for each of its kernels, of which quantize and dequantize
 * have one, minmax two, dynamic quantization four. A batch has the time of the one tensor, 2 ms, and 50 ns for each
 * tensor on one core: 1.2 times. Dynamic quantization adds 300 ns for the choice: 1.5 times, less what the cache saves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/clquant.h>

#include "bench.h"

enum { OPERATIONS = 4, WAYS = 3, MOST_COUNTS = 8 };

static const clq_operation operations[OPERATIONS] = {CLQ_OP_MINMAX, CLQ_OP_QUANTIZE, CLQ_OP_DEQUANTIZE,
                                                     CLQ_OP_DYNAMIC_QUANTIZE};

/* `count` tensors, one behind the other; the buffers serve all operations. */
typedef struct problem {
    clq_context *context;
    clq_quantization q;     /* of each but a large one at the end */
    clq_quantization large; /* of that */
    clq_quantization whole; /* of one tensor of all elements */
    size_t count, elements;
    clq_buffer *x, *y, *codes, *scale, *zero_point, *range, *nonfinite;
    clq_batch_item *items;
} problem;

/* One operation run in one way. */
typedef struct way {
    problem *p;
    clq_operation operation;
    clq_batch *batch;
    unsigned char *expected; /* what the outputs are after one call each */
} way;

static void die(const clq_error *error)
{
    fprintf(stderr, "bench_batch: %s\n%s", error->message, error->build_log);
    exit(1);
}

static clq_status call(clq_context *context, clq_operation operation, const clq_quantization *q, const clq_operands *o)
{
    switch (operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(context, q, o->x, o->range, o->nonfinite, NULL);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(context, q, o->x, o->scale, o->zero_point, o->codes, NULL);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(context, q, o->codes, o->scale, o->zero_point, o->y, NULL);
    default:
        return clq_dynamic_quantize(context, q, o->x, o->codes, o->scale, o->zero_point, o->range, o->nonfinite, NULL);
    }
}

static int run_each(void *cookie)
{
    const way *w = cookie;
    int failed = 0;
    for (size_t i = 0; i < w->p->count && !failed; i++) {
        failed = call(w->p->context, w->operation, w->p->items[i].q, &w->p->items[i].operands) != CLQ_OK;
    }
    return failed || clq_finish(w->p->context, NULL) != CLQ_OK;
}

static int run_batch(void *cookie)
{
    const way *w = cookie;
    return clq_batch_run(w->batch, NULL) != CLQ_OK || clq_finish(w->p->context, NULL) != CLQ_OK;
}

static int run_whole(void *cookie)
{
    const way *w = cookie;
    return call(w->p->context, w->operation, &w->p->whole, &w->p->items[0].operands) != CLQ_OK ||
           clq_finish(w->p->context, NULL) != CLQ_OK;
}

/* ---- the outputs ---- */

static clq_buffer *output_of(const way *w, uint64_t *bytes)
{
    const problem *p = w->p;
    clq_buffer *output = w->operation == CLQ_OP_MINMAX ? p->range : w->operation == CLQ_OP_DEQUANTIZE ? p->y : p->codes;
    *bytes = clq_buffer_bytes(output);
    return output;
}

static int spoil(void *cookie)
{
    const way *w = cookie;
    uint64_t bytes;
    clq_buffer *output = output_of(w, &bytes);
    memset(w->expected + bytes, 0x55, bytes);
    return clq_buffer_write(output, 0, w->expected + bytes, bytes, NULL) != CLQ_OK;
}

/* One call each is believed, and the batch compared with it byte for byte. */
static int keep(void *cookie)
{
    const way *w = cookie;
    uint64_t bytes;
    clq_buffer *output = output_of(w, &bytes);
    return clq_buffer_read(output, 0, w->expected, bytes, NULL) != CLQ_OK;
}

static int compare(void *cookie)
{
    const way *w = cookie;
    uint64_t bytes;
    clq_buffer *output = output_of(w, &bytes);
    return clq_buffer_read(output, 0, w->expected + bytes, bytes, NULL) != CLQ_OK ||
           memcmp(w->expected, w->expected + bytes, bytes) != 0;
}

/* ---- the problem ---- */

static void make(clq_context *context, uint64_t bytes, clq_buffer **buffer)
{
    clq_error error;
    if (clq_buffer_create(context, bytes, buffer, &error) != CLQ_OK) {
        die(&error);
    }
}

static void fill(problem *p)
{
    const size_t n = p->elements;
    float *x = bench_allocate(4 * n);
    float *scale = bench_allocate(4 * p->count);
    int32_t *zero_point = bench_allocate(4 * p->count);
    clq_error error;
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)state * 0x1p-31f;
    }
    for (size_t i = 0; i < p->count; i++) {
        scale[i] = 1.0f / 127.0f;
        zero_point[i] = 0;
    }
    if (clq_buffer_write(p->x, 0, x, 4 * n, &error) != CLQ_OK ||
        clq_buffer_write(p->scale, 0, scale, 4 * p->count, &error) != CLQ_OK ||
        clq_buffer_write(p->zero_point, 0, zero_point, 4 * p->count, &error) != CLQ_OK) {
        die(&error);
    }
    free(x);
    free(scale);
    free(zero_point);
}

static void setup(problem *p, clq_context *context, size_t count, size_t elements, size_t large)
{
    const size_t small = count;
    memset(p, 0, sizeof *p);
    count += large > 0;
    p->context = context;
    p->count = count;
    p->elements = small * elements + large;
    clq_quantization_init(&p->q);
    p->q.layout.rank = 1;
    p->q.layout.shape[0] = elements;
    p->whole = p->q;
    p->whole.layout.shape[0] = p->elements;
    p->large = p->q;
    p->large.layout.shape[0] = large;
    make(context, 4 * p->elements, &p->x);
    make(context, 4 * p->elements, &p->y);
    make(context, p->elements, &p->codes);
    make(context, 4 * count, &p->scale);
    make(context, 4 * count, &p->zero_point);
    make(context, 8 * count, &p->range);
    make(context, sizeof(clq_nonfinite) * count, &p->nonfinite);
    p->items = calloc(count, sizeof *p->items);
    if (p->items == NULL) {
        fprintf(stderr, "bench_batch: no memory\n");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        clq_operands *o = &p->items[i].operands;
        p->items[i].q = i < small ? &p->q : &p->large;
        o->x = (clq_operand){p->x, i * elements};
        o->y = (clq_operand){p->y, i * elements};
        o->codes = (clq_operand){p->codes, i * elements};
        o->scale = (clq_operand){p->scale, i};
        o->zero_point = (clq_operand){p->zero_point, i};
        o->range = (clq_operand){p->range, 2 * i};
        o->nonfinite = (clq_operand){p->nonfinite, i};
    }
    fill(p);
}

static void teardown(problem *p)
{
    clq_buffer_destroy(&p->x);
    clq_buffer_destroy(&p->y);
    clq_buffer_destroy(&p->codes);
    clq_buffer_destroy(&p->scale);
    clq_buffer_destroy(&p->zero_point);
    clq_buffer_destroy(&p->range);
    clq_buffer_destroy(&p->nonfinite);
    free(p->items);
}

/* ---- the rows ---- */

static double bytes_per_element(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX ? 4.0 : operation == CLQ_OP_DYNAMIC_QUANTIZE ? 9.0 : 5.0;
}

static void add_rows(bench_row *rows, way *w, const char *name)
{
    const double n = (double)w->p->elements;
    const bench_row row = {.problem = name, .work = bytes_per_element(w->operation) * n, .spoil = spoil, .cookie = w};
    rows[0] = rows[1] = rows[2] = row;
    rows[0].who = "clquant, one call each";
    rows[0].run = run_each;
    rows[0].check = keep;
    rows[0].role = BENCH_PEER;
    rows[1].who = "clquant, a batch";
    rows[1].run = run_batch;
    rows[1].check = compare;
    rows[1].target = w->p->count == 10000 ? 10.0 : 0.0; /* a large one has nothing to gain */
    rows[2].who = "clquant, one tensor";
    rows[2].run = run_whole;
    rows[2].role = BENCH_ROOF;
}

static int bench_count(clq_context *context, size_t count, size_t elements, size_t large, const bench_timing *timing,
                       bench_report *report)
{
    bench_row rows[WAYS * OPERATIONS];
    way ways[OPERATIONS];
    char names[OPERATIONS][40];
    clq_error error;
    problem p;
    int failed;
    setup(&p, context, count, elements, large);
    memset(ways, 0, sizeof ways);
    for (size_t i = 0; i < OPERATIONS; i++) {
        uint64_t bytes;
        ways[i].p = &p;
        ways[i].operation = operations[i];
        (void)output_of(&ways[i], &bytes);
        ways[i].expected = bench_allocate(2 * bytes);
        if (clq_batch_create(context, operations[i], p.items, p.count, &ways[i].batch, &error) != CLQ_OK) {
            die(&error);
        }
        snprintf(names[i], sizeof names[i], "%s, %zu", clq_operation_name(operations[i]), p.count);
        add_rows(&rows[WAYS * i], &ways[i], names[i]);
    }
    failed = bench_run(rows, WAYS * OPERATIONS, timing);
    bench_report_rows(report, rows, WAYS * OPERATIONS);
    for (size_t i = 0; i < OPERATIONS; i++) {
        clq_batch_destroy(&ways[i].batch);
        free(ways[i].expected);
    }
    teardown(&p);
    return failed;
}

static size_t parse_counts(const char *text, size_t counts[MOST_COUNTS])
{
    size_t used = 0;
    char *end = NULL;
    while (used < MOST_COUNTS && (counts[used] = (size_t)strtoull(text, &end, 10)) > 0) {
        used++;
        if (*end != ',') {
            break;
        }
        text = end + 1;
    }
    return end != NULL && *end == '\0' ? used : 0;
}

int main(int argc, char **argv)
{
    const char *device = "auto";
    size_t counts[MOST_COUNTS] = {1, 10, 100, 1000, 10000};
    size_t count = 5;
    size_t elements = 1024;
    size_t large = 0;
    bench_timing timing = {.rounds = 9};
    bench_report report = {.unit = "GB/s",
                           .unit_key = "gb_per_second",
                           .time_unit = "ms",
                           .times_per_second = 1e3,
                           .who_width = 30,
                           .peers = 1};
    bench_fact fact = {"elements", 0};
    clq_context *context = NULL;
    clq_device_info info;
    clq_error error;
    char name[160];
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            report.json = 1;
        } else if (i + 1 < argc && strcmp(argv[i], "--device") == 0) {
            device = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--tensors") == 0) {
            count = parse_counts(argv[++i], counts);
        } else if (i + 1 < argc && strcmp(argv[i], "--elements") == 0) {
            elements = (size_t)strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--large") == 0) {
            large = (size_t)strtoull(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0) {
            timing.rounds = atoi(argv[++i]);
        } else {
            count = 0;
        }
    }
    if (timing.rounds < 1 || timing.rounds > BENCH_MAX_ROUNDS || elements == 0 || count == 0) {
        fprintf(stderr,
                "usage: bench_batch [--device SPEC] [--tensors N,N,...] [--elements N] [--large N]"
                " [--rounds N] [--json]\n"
                "up to %d numbers of tensors, at least 1 element, 1 to %d rounds\n",
                MOST_COUNTS, BENCH_MAX_ROUNDS);
        return 2;
    }
    if (clq_context_create(&context, device, &error) != CLQ_OK) {
        die(&error);
    }
    clq_context_device(context, &info);
    snprintf(name, sizeof name, "clquant on %.100s", info.name);
    fact.value = elements;
    bench_report_begin(&report, name, &fact, 1, timing.rounds);
    for (size_t i = 0; i < count; i++) {
        failed += bench_count(context, counts[i], elements, large, &timing, &report);
    }
    bench_report_end(&report);
    clq_context_destroy(&context);
    return failed != 0;
}
