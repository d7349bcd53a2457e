/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_group.h"

#include <stdio.h>
#include <string.h>

#include "core/size.h"

/* What is aimed at: the cost of a tensor that is cut otherwise, of one with gaps between its rows, of dynamic
 * quantization where the tensor fits a cache and where it does not, and the ratios to a peer. */
static const double cut_limit = 1.3, strided_limit = 1 / 0.9, small_dynamic_limit = 0.7, large_dynamic_limit = 1.1;
static const double quantize_target = 1.25, dequantize_target = 2.5;

enum { SMALL_ELEMENTS = 1 << 18 };

double memory_bytes_of(clq_operation operation, clq_dtype real)
{
    const double bytes = clq_dtype_bits(real) / 8.0;
    switch (operation) {
    case CLQ_OP_MINMAX:
    case CLQ_OP_HISTOGRAM:
        return bytes;
    case CLQ_OP_FAKE_QUANTIZE:
        return 2 * bytes;
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return 2 * bytes + 1;
    default:
        return bytes + 1;
    }
}

static void name_problem(char *out, size_t capacity, clq_operation operation, clq_dtype real)
{
    const char *name = clq_dtype_name(real);
    switch (operation) {
    case CLQ_OP_MINMAX:
    case CLQ_OP_HISTOGRAM:
        snprintf(out, capacity, "%s", name);
        break;
    case CLQ_OP_DEQUANTIZE:
        snprintf(out, capacity, "s8 -> %s", name);
        break;
    case CLQ_OP_FAKE_QUANTIZE:
        snprintf(out, capacity, "%s -> %s", name, name);
        break;
    default:
        snprintf(out, capacity, "%s -> s8", name);
    }
}

/* A row with a case of its own. */
static clq_status add(memory_group *g, clq_operation operation, const bench_shape *shape, clq_arithmetic arithmetic,
                      const char *variant, const char *who, bench_row **row, clq_error *error)
{
    char problem[40];
    char text[BENCH_SHAPE_TEXT];
    memory_case *c = &g->cases[g->case_count];
    name_problem(problem, sizeof problem, operation, g->space.real);
    bench_shape_print(shape, text, sizeof text);
    *row = bench_add(&g->group, clq_operation_name(operation), problem, text);
    CLQ_REQUIRE(*row != NULL, "more than %d rows at once: give fewer shapes or variants", BENCH_MAX_ROWS);
    g->case_count++;
    CLQ_TRY(memory_case_create(c, &g->space, operation, shape, arithmetic, variant, error));
    (*row)->elements = c->elements;
    (*row)->work = memory_bytes_of(operation, g->space.real) * (double)c->elements;
    (*row)->bytes = (*row)->work;
    snprintf((*row)->who, sizeof(*row)->who, "%s", who);
    (*row)->cookie = c;
    (*row)->error = &c->error;
    return CLQ_OK;
}

static clq_status add_ours(memory_group *g, clq_operation operation, const bench_shape *shape,
                           clq_arithmetic arithmetic, const char *variant, bench_row **row, clq_error *error)
{
    CLQ_TRY(add(g, operation, shape, arithmetic, variant, "clquant", row, error));
    if (operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        snprintf((*row)->way, sizeof(*row)->way, "%s", arithmetic == CLQ_RECIPROCAL ? "reciprocal" : "divide");
    }
    memory_case_variant((*row)->cookie, (*row)->variant, sizeof(*row)->variant);
    if (variant != NULL) {
        snprintf((*row)->variant, sizeof(*row)->variant, "%s", variant);
    }
    (*row)->spoil = memory_spoil;
    (*row)->run = memory_run;
    (*row)->check = memory_check;
    return CLQ_OK;
}

static clq_status add_native(memory_group *g, clq_operation operation, const bench_shape *shape, clq_error *error)
{
    bench_row *row = NULL;
    const char *instructions = native_instructions();
    char who[40];
    snprintf(who, sizeof who, "C%s%s, %d threads", instructions[0] != '\0' ? ", " : "", instructions, native_threads());
    CLQ_TRY(add(g, operation, shape, CLQ_DIVIDE, NULL, who, &row, error));
    row->spoil = memory_spoil_native;
    row->run = memory_run_native;
    row->check = memory_check_native;
    row->role = BENCH_ROOF;
    return CLQ_OK;
}

static clq_status add_peer(memory_group *g, clq_operation operation, const bench_shape *shape, clq_error *error)
{
    bench_row *row = NULL;
    CLQ_TRY(add(g, operation, shape, CLQ_DIVIDE, NULL, g->peers->reorder_name, &row, error));
    memory_case_prepare_peer(row->cookie, g->peers);
    row->spoil = memory_spoil_native;
    row->run = memory_run_peer;
    row->check = memory_check_peer;
    row->role = BENCH_PEER;
    return CLQ_OK;
}

static clq_status add_copy(memory_group *g, clq_operation operation, const bench_shape *shape, clq_error *error)
{
    bench_row *row = NULL;
    CLQ_TRY(add(g, operation, shape, CLQ_DIVIDE, NULL, "", &row, error));
    row->operation = "copy";
    snprintf(row->problem, sizeof row->problem, "%s", clq_dtype_name(g->space.in_type));
    if (g->space.is_host) {
        snprintf(row->who, sizeof row->who, "copy, %d threads", native_threads());
    } else {
        snprintf(row->who, sizeof row->who, "the device's own");
    }
    row->work = 2.0 * (double)clq_dtype_bytes(g->space.in_type, row->elements);
    row->run = memory_run_copy;
    row->role = BENCH_COPY;
    return CLQ_OK;
}

/* The plain tensor: the roofs, clquant in each arithmetic and forced variant, a peer. */
static clq_status add_plain(memory_group *g, const memory_order *order, const bench_shape *shape, clq_error *error)
{
    const clq_operation operation = order->operation;
    bench_row *row = NULL;
    CLQ_TRY(add_copy(g, operation, shape, error));
    if (g->space.is_host) {
        CLQ_TRY(add_native(g, operation, shape, error));
    }
    CLQ_TRY(add_ours(g, operation, shape, CLQ_DIVIDE, NULL, &row, error));
    row->target = order->real != CLQ_F32           ? 0.0
                  : operation == CLQ_OP_QUANTIZE   ? quantize_target
                  : operation == CLQ_OP_DEQUANTIZE ? dequantize_target
                                                   : 0.0;
    if (operation == CLQ_OP_QUANTIZE) {
        CLQ_TRY(add_ours(g, operation, shape, CLQ_RECIPROCAL, NULL, &row, error));
    }
    for (size_t i = 0; order->variants[i] != NULL; i++) {
        CLQ_TRY(add_ours(g, operation, shape, CLQ_DIVIDE, order->variants[i], &row, error));
    }
    if (g->space.is_host && g->peers != NULL && (operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DEQUANTIZE)) {
        CLQ_TRY(add_peer(g, operation, shape, error));
    }
    return CLQ_OK;
}

/* The number of clquant's row for the plain tensor nearest in size; the group has one. */
static size_t plain_row_for(const bench_group *g, const bench_row *row)
{
    size_t best = g->count;
    double best_distance = 0.0;
    for (size_t i = 0; i < g->count; i++) {
        const bench_row *other = &g->rows[i];
        const memory_case *c = other->cookie;
        const double distance = (double)other->elements > (double)row->elements
                                    ? (double)other->elements / (double)row->elements
                                    : (double)row->elements / (double)other->elements;
        if (other->role == BENCH_PLAIN && strcmp(other->operation, row->operation) == 0 && c->variant == NULL &&
            c->q.scheme.arithmetic == CLQ_DIVIDE && c->q.layout.granularity == CLQ_PER_TENSOR && c->offset == 0 &&
            c->span == c->elements && c->elements % 64 == 0 && (best == g->count || distance < best_distance)) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}

/* A tensor that is cut otherwise, beside the plain one. */
static clq_status add_cut(memory_group *g, const memory_order *order, const bench_shape *shape, clq_error *error)
{
    const char *const *variants = order->variants;
    const char *variant = NULL; /* the device's choice first */
    do {
        bench_row *row = NULL;
        CLQ_TRY(add_ours(g, order->operation, shape, CLQ_DIVIDE, variant, &row, error));
        row->beside[0] = plain_row_for(&g->group, row);
        row->beside_count = row->beside[0] < g->group.count;
        row->limit = shape->pitch > 0 ? strided_limit : cut_limit;
        snprintf(row->beside_name, sizeof row->beside_name, "plain");
        variant = *variants++;
    } while (variant != NULL);
    return CLQ_OK;
}

static clq_status add_dynamic(memory_group *g, const memory_order *order, const bench_shape *shape, clq_error *error)
{
    static const clq_operation passes[] = {CLQ_OP_MINMAX, CLQ_OP_QUANTIZE};
    const char *const *variants = order->variants;
    const char *variant = NULL;
    bench_row *row = NULL;
    size_t beside[BENCH_BESIDE];
    for (int i = 0; i < BENCH_BESIDE; i++) {
        beside[i] = g->group.count;
        CLQ_TRY(add_ours(g, passes[i], shape, CLQ_DIVIDE, NULL, &row, error));
    }
    if (bench_shape_is_plain(shape)) {
        CLQ_TRY(add_copy(g, order->operation, shape, error));
    }
    if (bench_shape_is_plain(shape) && g->space.is_host) {
        CLQ_TRY(add_native(g, order->operation, shape, error));
    }
    do {
        CLQ_TRY(add_ours(g, order->operation, shape, CLQ_DIVIDE, variant, &row, error));
        memcpy(row->beside, beside, sizeof beside);
        row->beside_count = BENCH_BESIDE;
        row->limit = row->elements <= SMALL_ELEMENTS ? small_dynamic_limit : large_dynamic_limit;
        snprintf(row->beside_name, sizeof row->beside_name, "minmax + quantize");
        variant = *variants++;
    } while (variant != NULL);
    return CLQ_OK;
}

/* Whether there is a plain row already whose size is within a hundredth. */
static int has_plain(const bench_group *g, const char *operation, uint64_t elements)
{
    const bench_row wanted = {.operation = operation, .elements = elements};
    const size_t found = plain_row_for(g, &wanted);
    const uint64_t near = found < g->count ? g->rows[found].elements : 0;
    return found < g->count && near <= elements + elements / 100 + 64 && elements <= near + near / 100 + 64;
}

/* Room for every shape and for the plain ones that are added. */
static uint64_t largest(const memory_order *order)
{
    uint64_t elements = 64;
    for (size_t i = 0; i < order->shape_count; i++) {
        const bench_shape *shape = &order->shapes[i];
        elements = clq_size_max(elements, bench_shape_span(shape) + shape->offset);
    }
    return elements;
}

/* A case has scale, zero point and two ends of a range for each parameter, on both sides; or counts as well. */
static uint64_t bytes_of_values(const memory_order *order)
{
    const uint64_t each = order->operation == CLQ_OP_DYNAMIC_QUANTIZE ? 3 * 32
                          : order->operation == CLQ_OP_HISTOGRAM      ? 32 + 2 * MEMORY_HISTOGRAM_BYTES
                                                                      : 32;
    uint64_t bytes = 0;
    for (size_t i = 0; i < order->shape_count; i++) {
        uint64_t elements = 0;
        uint64_t parameters = 0;
        if (clq_layout_count(&order->shapes[i].layout, &elements, &parameters, NULL) == CLQ_OK) {
            bytes += each * parameters;
        }
    }
    return bytes;
}

static clq_status add_cuts(memory_group *g, const memory_order *order, clq_error *error)
{
    for (size_t i = 0; i < order->shape_count; i++) {
        const bench_shape *shape = &order->shapes[i];
        const uint64_t elements = bench_shape_elements(shape);
        if (bench_shape_is_plain(shape)) {
            continue;
        }
        if (!has_plain(&g->group, clq_operation_name(order->operation), elements)) {
            const bench_shape plain = bench_shape_plain(clq_size_max(elements / 64, 1) * 64);
            CLQ_TRY(add_plain(g, order, &plain, error));
        }
        CLQ_TRY(add_cut(g, order, shape, error));
    }
    return CLQ_OK;
}

memory_need memory_group_need(const clq_context *context, const memory_order *order)
{
    memory_need need = memory_space_need(context, order->operation, order->real, largest(order));
    need.host_bytes += bytes_of_values(order);
    return need;
}

clq_status memory_group_create(memory_group *g, clq_context *context, const memory_order *order, clq_error *error)
{
    memset(g, 0, sizeof *g);
    g->peers = order->peers;
    CLQ_TRY(memory_space_create(&g->space, context, order->operation, order->real, largest(order), error));
    for (size_t i = 0; i < order->shape_count; i++) {
        const bench_shape *shape = &order->shapes[i];
        if (order->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
            CLQ_TRY(add_dynamic(g, order, shape, error));
        } else if (bench_shape_is_plain(shape)) {
            CLQ_TRY(add_plain(g, order, shape, error));
        }
    }
    return order->operation == CLQ_OP_DYNAMIC_QUANTIZE ? CLQ_OK : add_cuts(g, order, error);
}

void memory_group_destroy(memory_group *g)
{
    for (size_t i = 0; i < g->case_count; i++) {
        memory_case_destroy(&g->cases[i]);
    }
    memory_space_destroy(&g->space);
}
