/* SPDX-License-Identifier: Apache-2.0 */
#include "tune_meter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batch_group.h"
#include "core/size.h"
#include "gemm_device.h"
#include "memory_group.h"

static const clq_operation batch_operations[] = {CLQ_OP_MINMAX, CLQ_OP_QUANTIZE, CLQ_OP_DYNAMIC_QUANTIZE};
static const gemm_shape products[] = {{512, 512, 512}, {64, 1024, 1024}, {1, 1024, 4096}, {6, 1024, 1024}};

enum {
    BASE_ROWS = 2, /* the base is timed twice, which tells the noise */
    BATCH_TENSORS = 500,
    TABLES = BASE_ROWS + TUNE_MAX_TABLES
};

/* A turn is one run of a problem after one that is not timed. */
static const double warm_seconds = 0.0005, turn_seconds = 0.002;

/* ---- one problem under one table ---- */

typedef struct lane {
    clq_context *context;
    const clq_tuned_value *table;
    int (*spoil)(void *cookie);
    int (*run)(void *cookie);
    int (*check)(void *cookie);
    void *cookie;
    clq_error error;
} lane;

static int spoil_lane(void *cookie)
{
    const lane *l = cookie;
    return l->spoil(l->cookie);
}

static int run_lane(void *cookie)
{
    lane *l = cookie;
    return clq_tuning_use(l->context, l->table, &l->error) != CLQ_OK ? BENCH_FAILED : l->run(l->cookie);
}

/* A kernel that was set aside is a failure too: what stands in for it is not what the table says. */
static int check_lane(void *cookie)
{
    lane *l = cookie;
    size_t aside = 0;
    const int result = l->check(l->cookie);
    return result != BENCH_OK                                                           ? result
           : clq_tuning_set_aside(l->context, &aside, &l->error) != CLQ_OK || aside > 0 ? BENCH_FAILED
                                                                                        : BENCH_OK;
}

/* ---- scores ---- */

typedef struct tally {
    tune_problems *problems;
    const clq_tuned_value *tables[TABLES]; /* the base twice, then the others */
    size_t count;                          /* of the others */
    int rounds;
    double logs[TUNE_MAX_TABLES], log_apart; /* of times over those of the base, and of the base over itself */
    size_t measured;                         /* problems */
    tune_score *scores;
} tally;

static int begin_step(tally *t, tune_step step)
{
    return tune_clock_begin(&t->problems->clock, step);
}

static int is_over(const tally *t)
{
    return t->problems->clock.is_over;
}

static int is_stopped(const tally *t)
{
    return t->problems->stop != NULL && t->problems->stop();
}

static int stops(void *cookie, int compiles)
{
    tally *t = cookie;
    return is_stopped(t) || !begin_step(t, compiles ? TUNE_COMPILES : TUNE_TIMES);
}

static void add_scores(tally *t, const bench_group *g)
{
    const double first = g->rows[0].best_seconds;
    const double second = g->rows[1].best_seconds;
    const double base = first < second ? first : second;
    const double apart = (first < second ? second : first) / base;
    t->log_apart += log(apart);
    t->measured++;
    for (size_t i = 0; i < t->count; i++) {
        const bench_row *row = &g->rows[BASE_ROWS + i];
        const double ratio = row->best_seconds / base;
        if (row->outcome != BENCH_OK) {
            t->scores[i].is_rejected = 1;
        } else {
            t->logs[i] += log(ratio);
            t->scores[i].worst = ratio / apart > t->scores[i].worst ? ratio / apart : t->scores[i].worst;
        }
    }
}

/* Rows of one problem, whose lanes are filled in but for context and table; `errors` are those of their own. */
static clq_status time_lanes(tally *t, const char *operation, lane *lanes, const clq_error *const *errors,
                             clq_error *error)
{
    const bench_timing timing = {
        .rounds = t->rounds, .warm_seconds = warm_seconds, .turn_seconds = turn_seconds, .stop = stops, .cookie = t};
    size_t failed = 0;
    clq_status status = CLQ_OK;
    bench_group *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows");
    }
    for (size_t i = 0; i < BASE_ROWS + t->count; i++) {
        bench_row *row = bench_add(g, operation, "", "");
        lanes[i].context = t->problems->context;
        lanes[i].table = t->tables[i];
        row->spoil = spoil_lane;
        row->run = run_lane;
        row->check = check_lane;
        row->cookie = &lanes[i];
    }
    status = bench_run(g, &timing, &failed, error);
    if (is_over(t)) { /* rows may have failed of it */
        free(g);
        return is_stopped(t) ? status : CLQ_OK;
    }
    (void)begin_step(t, TUNE_MAKES);
    if (status == CLQ_OK && (g->rows[0].outcome != BENCH_OK || g->rows[1].outcome != BENCH_OK)) {
        const clq_error *why = errors[g->rows[0].outcome != BENCH_OK ? 0 : 1];
        status = why != NULL && why->status != CLQ_OK ? clq_fail(error, why->status, "%s: %s", operation, why->message)
                                                      : clq_fail(error, CLQ_MISMATCH,
                                                                 "%s: a kernel of the table that is to be beaten is "
                                                                 "set aside or gives other bytes than the reference",
                                                                 operation);
    }
    if (status == CLQ_OK) {
        add_scores(t, g);
    }
    free(g);
    return status;
}

/* ---- tensors ---- */

static clq_status time_tensor(tally *t, memory_space *space, clq_operation operation, const bench_shape *shape,
                              clq_error *error)
{
    memory_case *c = calloc(1, sizeof *c);
    lane *lanes = calloc(TABLES, sizeof *lanes);
    const clq_error *errors[TABLES];
    clq_status status = CLQ_OK;
    if (c == NULL || lanes == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows"));
    }
    CLQ_TRY_TO(memory_case_create(c, space, operation, shape, CLQ_DIVIDE, NULL, error));
    for (size_t i = 0; i < TABLES; i++) {
        lanes[i].spoil = memory_spoil;
        lanes[i].run = memory_run;
        lanes[i].check = memory_check;
        lanes[i].cookie = c;
        errors[i] = &c->error;
    }
    CLQ_TRY_TO(time_lanes(t, clq_operation_name(operation), lanes, errors, error));
done:
    if (c != NULL) {
        memory_case_destroy(c);
    }
    space->holder = NULL; /* another case may get this one's place */
    free(c);
    free(lanes);
    return status;
}

static clq_status time_tensors(tally *t, clq_operation operation, clq_dtype real, clq_error *error)
{
    bench_shape shapes[BENCH_MAX_SHAPES];
    const size_t count = tune_shapes(t->problems, operation, real, shapes);
    uint64_t largest = 64;
    clq_status status = CLQ_OK;
    memory_space space;
    if (count == 0 || !begin_step(t, TUNE_MAKES)) {
        return CLQ_OK;
    }
    for (size_t i = 0; i < count; i++) {
        largest = clq_size_max(largest, bench_shape_span(&shapes[i]) + shapes[i].offset);
    }
    CLQ_TRY_TO(memory_space_create(&space, t->problems->context, operation, real, largest, error));
    for (size_t i = 0; i < count && begin_step(t, TUNE_MAKES); i++) {
        CLQ_TRY_TO(time_tensor(t, &space, operation, &shapes[i], error));
    }
done:
    memory_space_destroy(&space);
    return status;
}

/* ---- batches ---- */

/* A batch is decided when it is made: each table has one of its own. */
static clq_status time_batch(tally *t, clq_operation operation, clq_error *error)
{
    const batch_order order = {.operation = operation, .count = BATCH_TENSORS};
    batch_group *groups = calloc(TABLES, sizeof *groups);
    lane *lanes = calloc(TABLES, sizeof *lanes);
    const clq_error *errors[TABLES];
    size_t made = 0;
    clq_status status = CLQ_OK;
    if (groups == NULL || lanes == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows"));
    }
    for (; made < BASE_ROWS + t->count; made++) {
        const bench_row *row;
        if (!begin_step(t, TUNE_COMPILES)) {
            goto done;
        }
        CLQ_TRY_TO(clq_tuning_use(t->problems->context, t->tables[made], error));
        status = batch_group_create(&groups[made], t->problems->context, &order, error);
        if (status != CLQ_OK) {
            batch_group_destroy(&groups[made]);
            goto done;
        }
        row = &groups[made].group.rows[0]; /* one batch */
        lanes[made].spoil = row->spoil;
        lanes[made].run = row->run;
        lanes[made].check = row->check;
        lanes[made].cookie = row->cookie;
        errors[made] = row->error;
    }
    CLQ_TRY_TO(time_lanes(t, "batch", lanes, errors, error));
done:
    for (size_t i = 0; i < made; i++) {
        batch_group_destroy(&groups[i]);
    }
    free(groups);
    free(lanes);
    return status;
}

/* ---- products ---- */

static const gemm_way packed_b = {CLQ_S8, NULL, 1, 1, 0};
static const gemm_way plain_b = {CLQ_S8, NULL, 0, 1, 0};
static const gemm_way in_groups = {CLQ_F32, NULL, 1, 1, 128};

static clq_status time_product(tally *t, const gemm_shape *shape, const gemm_way *way, clq_error *error)
{
    const clq_error *errors[TABLES];
    gemm_product product;
    gemm_device device;
    gemm_row row;
    lane *lanes = begin_step(t, TUNE_MAKES) ? calloc(TABLES, sizeof *lanes) : NULL;
    clq_status status =
        lanes != NULL || is_over(t) ? CLQ_OK : clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a list of rows");
    memset(&product, 0, sizeof product);
    memset(&device, 0, sizeof device);
    memset(&row, 0, sizeof row);
    if (status != CLQ_OK || is_over(t)) {
        goto done;
    }
    CLQ_TRY_TO(gemm_product_create(&product, shape, 0, error));
    CLQ_TRY_TO(gemm_device_create(&device, t->problems->context, &product, error));
    CLQ_TRY_TO(clq_tuning_use(t->problems->context, t->tables[0], error));
    gemm_row_create(&row, &device, way);
    for (size_t i = 0; i < TABLES; i++) {
        lanes[i].spoil = gemm_row_spoil;
        lanes[i].run = gemm_row_run;
        lanes[i].check = gemm_row_check;
        lanes[i].cookie = &row;
        errors[i] = &row.error;
    }
    CLQ_TRY_TO(time_lanes(t, "gemm", lanes, errors, error));
done:
    gemm_row_destroy(&row);
    gemm_device_destroy(&device);
    gemm_product_destroy(&product);
    free(lanes);
    return status;
}

/* The first, and those that were given, also with B as it is, and in groups along K. */
static clq_status time_products(tally *t, clq_error *error)
{
    const tune_problems *p = t->problems;
    if (p->shapes == NULL) {
        for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
            CLQ_TRY(time_product(t, &products[i], &packed_b, error));
        }
        CLQ_TRY(time_product(t, &products[0], &in_groups, error));
        return time_product(t, &products[0], &plain_b, error);
    }
    for (size_t i = 0; i < p->shape_count; i++) {
        if (p->shapes[i].is_product) {
            const gemm_shape shape = {(size_t)p->shapes[i].m, (size_t)p->shapes[i].n, (size_t)p->shapes[i].k};
            CLQ_TRY(time_product(t, &shape, &packed_b, error));
            CLQ_TRY(time_product(t, &shape, &in_groups, error));
            CLQ_TRY(time_product(t, &shape, &plain_b, error));
        }
    }
    return CLQ_OK;
}

/* ---- all of them ---- */

static clq_status time_all(tally *t, uint32_t operations, clq_error *error)
{
    static const clq_dtype types[] = {CLQ_F32, CLQ_F16, CLQ_BF16};
    for (size_t i = 0; i < TUNE_TENSOR_OPERATIONS; i++) {
        const clq_operation operation = tune_tensor_operations[i];
        for (size_t k = 0; k < sizeof types / sizeof types[0] && (operations >> operation & 1) != 0; k++) {
            CLQ_TRY(time_tensors(t, operation, types[k], error));
        }
    }
    for (size_t i = 0; i < sizeof batch_operations / sizeof batch_operations[0] &&
                       (operations & CLQ_TUNABLE_BATCH) != 0 && t->problems->shapes == NULL;
         i++) {
        CLQ_TRY(time_batch(t, batch_operations[i], error));
    }
    return (operations & CLQ_TUNABLE_GEMM) != 0 ? time_products(t, error) : CLQ_OK;
}

/* What the time cut off is no failure, unless the caller's. */
static clq_status time_in_time(tally *t, uint32_t operations, clq_error *error)
{
    clq_error own = {0};
    const clq_status status = time_all(t, operations, &own);
    if (status == CLQ_CANCELLED && is_over(t) && !is_stopped(t)) {
        return CLQ_OK;
    }
    if (status != CLQ_OK && error != NULL) {
        *error = own;
    }
    return status;
}

clq_status tune_measure(void *cookie, uint32_t operations, const clq_tuned_value *base, clq_tuned_value *const *tables,
                        size_t count, int rounds, double end, tune_score *scores, double *noise, clq_error *error)
{
    tune_problems *problems = cookie;
    tally t = {.problems = problems, .count = count, .rounds = rounds, .scores = scores};
    int left_out;
    clq_status status;
    for (size_t i = 0; i < BASE_ROWS + count; i++) {
        t.tables[i] = i < BASE_ROWS ? base : tables[i - BASE_ROWS];
    }
    memset(scores, 0, count * sizeof *scores);
    CLQ_TRY(native_start(error));
    tune_clock_start(&problems->clock, problems->stop, end);
    clq_context_set_cancel(problems->context, tune_clock_stops, &problems->clock);
    status = time_in_time(&t, operations, error);
    left_out = is_over(&t);
    tune_clock_end(&problems->clock);
    CLQ_TRY(status);
    *noise = t.measured > 0 ? exp(t.log_apart / (double)t.measured) - 1.0 : 0.0;
    for (size_t i = 0; i < count; i++) {
        scores[i].mean = t.measured > 0 ? exp(t.logs[i] / (double)t.measured) : 1.0;
        scores[i].is_left_out = left_out;
    }
    return CLQ_OK;
}
