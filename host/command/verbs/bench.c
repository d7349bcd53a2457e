/* SPDX-License-Identifier: Apache-2.0 */
/* clquant bench: what is asked for, and the suite of bench/ that measures it. */
#include <stdlib.h>
#include <string.h>

#include "command/frame/options.h"
#include "command/verbs/bench_verb.h"
#include "command/verbs/report.h"
#include "format/near.h"

enum { ROUNDS = 9, QUICK_ROUNDS = 3 };

/* A turn of a row: enough of what is not timed for threads of the row before to have gone to sleep. */
static const double warm_seconds = 0.01, turn_seconds = 0.01;

static const bench_peers *linked_peers;

void cli_bench_set_peers(const bench_peers *peers)
{
    linked_peers = peers;
}

typedef struct bench_call {
    const cli_options *options;
    bench_suite suite;
    bench_shape shapes[BENCH_MAX_SHAPES];
    cli_bench_report report;
    cli_progress *progress;
    const bench_group *watched; /* the group that the progress is of */
    size_t wrong;               /* rows with a wrong result */
    clq_error failure;          /* of the first row that failed for a reason */
    clq_error unsupported;      /* the reason that was told last */
} bench_call;

const char *cli_bench_name(size_t index)
{
    return index < BENCH_OPERATION_COUNT ? bench_operation_name((bench_operation)index) : NULL;
}

int cli_bench_find_operation(const char *who, const char *word, bench_operation *operation)
{
    char names[CLI_NAMES_BYTES];
    clq_near near = {.name = word};
    for (size_t i = 0; cli_bench_name(i) != NULL; i++) {
        if (strcmp(word, cli_bench_name(i)) == 0) {
            *operation = (bench_operation)i;
            return CLI_OK;
        }
        clq_near_try(&near, cli_bench_name(i));
    }
    if (near.best != NULL) {
        return cli_usage_error("%s: unknown operation '%s'; did you mean '%s'?", who, word, near.best);
    }
    cli_join_names(cli_bench_name, ", ", names);
    return cli_usage_error("%s: unknown operation '%s'; there are %s", who, word, names);
}

static int take_operations(bench_call *call)
{
    const cli_list *words = &call->options->positional;
    for (size_t i = 0; i < words->count; i++) {
        bench_operation operation = BENCH_MINMAX;
        const int code = cli_bench_find_operation("bench", words->items[i], &operation);
        if (code != CLI_OK) {
            return code;
        }
        call->suite.operations |= UINT32_C(1) << operation;
    }
    return CLI_OK;
}

/* A line of the file for every operation that is named. */
static int check_shapes(const bench_call *call)
{
    const uint32_t products = UINT32_C(1) << BENCH_GEMM;
    const uint32_t batches = UINT32_C(1) << BENCH_BATCH;
    const uint32_t experts = UINT32_C(1) << BENCH_GEMM_BATCH;
    const uint32_t launches = UINT32_C(1) << BENCH_LAUNCH;
    const char *path = call->options->bench.shapes;
    size_t product_count = 0;
    for (size_t i = 0; i < call->suite.shape_count; i++) {
        product_count += call->shapes[i].is_product != 0;
    }
    if ((call->suite.operations & batches) != 0) {
        return cli_usage_error("bench batch takes no --shapes: its tensors have 1024 elements each");
    }
    if ((call->suite.operations & experts) != 0) {
        return cli_usage_error("bench gemm-batch takes no --shapes: its products are those of a layer of experts");
    }
    if ((call->suite.operations & launches) != 0) {
        return cli_usage_error("bench launch takes no --shapes: its operations are small ones");
    }
    if ((call->suite.operations & products) != 0 && product_count == 0) {
        return cli_usage_error("bench gemm: %s has no shape MxNxK", path);
    }
    if ((call->suite.operations & ~products) != 0 && product_count == call->suite.shape_count) {
        return cli_usage_error("bench: %s has shapes of products (MxNxK) only, which gemm takes", path);
    }
    return CLI_OK;
}

static int take_shapes(bench_call *call)
{
    const cli_options *options = call->options;
    clq_error error;
    if (options->bench.shapes == NULL) {
        return CLI_OK;
    }
    if (options->bench.sweep) {
        return cli_usage_error("--sweep and --shapes cannot both be given: a sweep has its own shapes");
    }
    if (cli_bench_read_shapes(options->bench.shapes, call->shapes, &call->suite.shape_count, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    call->suite.shapes = call->shapes;
    return check_shapes(call);
}

static clq_status check_variants(clq_context *context, const cli_list *variants, clq_error *error)
{
    for (size_t i = 0; i < variants->count; i++) {
        const clq_status status = clq_context_force_variant(context, variants->items[i], error);
        if (status != CLQ_OK) {
            return clq_fail_in(error, status, "--variant %s", variants->items[i]);
        }
    }
    return variants->count > 0 ? clq_context_force_variant(context, NULL, error) : CLQ_OK;
}

static double bytes_of(const bench_group *group)
{
    double bytes = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        bytes += group->rows[i].bytes * (group->rows[i].calls > 0 ? group->rows[i].calls : 1);
    }
    return bytes;
}

static void show_progress(void *cookie, const bench_group *group, size_t done, size_t turns, const bench_row *row)
{
    bench_call *call = cookie;
    const double total = bytes_of(group) * (double)turns / (double)group->count;
    char name[128];
    if (call->watched != group) {
        cli_progress_end(&call->progress);
        call->watched = group;
        call->progress = cli_progress_begin(call->options, "bench", (uint64_t)total);
    }
    snprintf(name, sizeof name, "%s %s %s", row->operation, row->problem, row->shape);
    cli_progress_at(call->progress, (uint64_t)(total * (double)done / (double)turns), name);
}

static int should_end(void *cookie, int compiles)
{
    (void)cookie;
    (void)compiles;
    return cli_should_end();
}

static void warn_of_row(const bench_call *call, const bench_row *row, const char *story)
{
    cli_progress_hide();
    cli_warning(call->options, "%s %s %s, %s%s%s: %s", row->operation, row->problem, row->shape, row->who,
                row->way[0] != '\0' ? " " : "", row->way, story);
}

static int has_reason(const bench_row *row)
{
    return row->error != NULL && row->error->status != CLQ_OK;
}

static void tell_failed(bench_call *call, const bench_row *row)
{
    char story[sizeof row->error->message + 16];
    call->wrong += !has_reason(row);
    if (has_reason(row) && call->failure.status == CLQ_OK) {
        call->failure = *row->error;
    }
    snprintf(story, sizeof story, "%s; not timed", has_reason(row) ? row->error->message : "gave a wrong result");
    warn_of_row(call, row, story);
}

/* Of many rows most have one reason. */
static void tell_unsupported(bench_call *call, const bench_row *row)
{
    if (has_reason(row) && strcmp(call->unsupported.message, row->error->message) != 0) {
        call->unsupported = *row->error;
        warn_of_row(call, row, row->error->message);
    }
}

static void show_group(void *cookie, const bench_group *group)
{
    bench_call *call = cookie;
    cli_progress_end(&call->progress);
    call->watched = NULL;
    for (size_t i = 0; i < group->count; i++) {
        const bench_row *row = &group->rows[i];
        if (row->outcome == BENCH_FAILED) {
            tell_failed(call, row);
        } else if (row->outcome == BENCH_UNSUPPORTED) {
            tell_unsupported(call, row);
        }
    }
    cli_bench_report_group(&call->report, group);
}

static void show_note(void *cookie, const char *message)
{
    const bench_call *call = cookie;
    cli_warning(call->options, "%s", message);
}

static clq_status measure(bench_call *call, size_t *failed, clq_error *error)
{
    const cli_options *options = call->options;
    bench_suite *suite = &call->suite;
    clq_status status = CLQ_OK;
    CLQ_TRY(cli_open_device(options, &suite->context, error));
    CLQ_TRY(check_variants(suite->context, &options->bench.variants, error));
    suite->variants = options->bench.variants.items;
    suite->quick = options->bench.quick;
    suite->sweep = options->bench.sweep;
    suite->timing.rounds = options->bench.rounds > 0 ? options->bench.rounds : suite->quick ? QUICK_ROUNDS : ROUNDS;
    suite->timing.warm_seconds = suite->quick ? warm_seconds / 10 : warm_seconds;
    suite->timing.turn_seconds = suite->quick ? turn_seconds / 10 : turn_seconds;
    suite->timing.stop = should_end;
    suite->timing.progress = show_progress;
    suite->timing.cookie = call;
    suite->peers = linked_peers;
    suite->report = show_group;
    suite->note = show_note;
    suite->cookie = call;
    call->report.options = options;
    call->report.context = suite->context;
    call->report.peers = linked_peers;
    call->report.rounds = suite->timing.rounds;
    /* Who asks for shapes or variants wants each of them. */
    call->report.is_short = suite->quick && !options->verbose && !suite->sweep && suite->shapes == NULL &&
                            options->bench.variants.count == 0 &&
                            suite->operations != UINT32_C(1) << BENCH_LAUNCH /* which has no fractions */;
    cli_bench_report_begin(&call->report);
    status = bench_suite_run(suite, failed, error);
    cli_progress_end(&call->progress);
    cli_bench_report_end(&call->report, *failed);
    if (status == CLQ_OK && call->report.status != CLQ_OK) {
        *error = call->report.error;
        status = call->report.status;
    }
    return status;
}

/* What came of a run in which rows failed. */
static int report_failed(bench_call *call, size_t failed)
{
    clq_error *error = &call->failure;
    if (call->wrong > 0 || error->status == CLQ_OK) {
        clq_fail(error, CLQ_MISMATCH, "%zu of the rows failed or gave a wrong result", failed);
    } else {
        clq_fail_in(error, error->status, "%zu of the rows failed, the first", failed);
    }
    return cli_report(error);
}

static int run(bench_call *call)
{
    clq_error error;
    size_t failed = 0;
    clq_status status = CLQ_OK;
    int code = take_operations(call);
    code = code == CLI_OK ? take_shapes(call) : code;
    if (code != CLI_OK) {
        return code;
    }
    status = measure(call, &failed, &error);
    clq_context_destroy(&call->suite.context);
    if (status != CLQ_OK) {
        return cli_report_failure(&error);
    }
    return failed > 0 ? report_failed(call, failed) : CLI_OK;
}

int cli_bench(const cli_options *options)
{
    bench_call *call = calloc(1, sizeof *call); /* too large for a small stack */
    int code;
    if (call == NULL) {
        clq_error error;
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for the benchmarks");
        return cli_report(&error);
    }
    call->options = options;
    cli_output_is_all();
    code = run(call);
    free(call);
    return code;
}
