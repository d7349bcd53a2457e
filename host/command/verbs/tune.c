/* SPDX-License-Identifier: Apache-2.0 */
/* clquant tune: what is asked for, and the search of bench/ that finds it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/frame/options.h"
#include "command/verbs/bench_verb.h"
#include "command/verbs/report.h"
#include "command/verbs/tune_verb.h"
#include "format/file.h"
#include "format/near.h"
#include "format/output_path.h"
#include "tune_meter.h"

enum { DEFAULT_BUDGET = 300, LEAST_BUDGET_FOR_LARGE = 60 };

static const uint64_t large_elements = UINT64_C(4) << 20, quick_elements = UINT64_C(256) << 10;

typedef struct tune_call {
    const cli_options *options;
    clq_context *context;
    uint32_t operations; /* as clq_tunable has them */
    bench_shape shapes[BENCH_MAX_SHAPES];
    size_t shape_count;
    tune_problems problems;
    cli_progress *progress;
    tune_row *rows;           /* one for each tunable */
    clq_tuned_value *kept;    /* for the device, before the search */
    clq_tuned_value *untuned; /* where nothing is kept */
    clq_tuned_value *start;   /* which the search begins from */
    char *text;               /* of a table, with its size */
    size_t text_bytes;
    char path[4096];
    cli_tune_report report;
} tune_call;

/* ---- what is asked for ---- */

static uint32_t operations_of(bench_operation operation)
{
    static const uint32_t bits[BENCH_OPERATION_COUNT] = {
        [BENCH_MINMAX] = UINT32_C(1) << CLQ_OP_MINMAX,
        [BENCH_QUANTIZE] = UINT32_C(1) << CLQ_OP_QUANTIZE,
        [BENCH_DEQUANTIZE] = UINT32_C(1) << CLQ_OP_DEQUANTIZE,
        [BENCH_FAKE_QUANTIZE] = UINT32_C(1) << CLQ_OP_FAKE_QUANTIZE,
        [BENCH_DYNAMIC_QUANTIZE] = UINT32_C(1) << CLQ_OP_DYNAMIC_QUANTIZE,
        [BENCH_HISTOGRAM] = UINT32_C(1) << CLQ_OP_HISTOGRAM,
        [BENCH_BATCH] = CLQ_TUNABLE_BATCH,
        [BENCH_GEMM] = CLQ_TUNABLE_GEMM,
        [BENCH_GEMM_BATCH] = CLQ_TUNABLE_GEMM,
    };
    return bits[operation];
}

static int take_operations(tune_call *call)
{
    const cli_list *words = &call->options->tune.operations;
    for (size_t i = 0; i < words->count; i++) {
        bench_operation operation = BENCH_MINMAX;
        const int code = cli_bench_find_operation("tune --operation", words->items[i], &operation);
        if (code != CLI_OK) {
            return code;
        }
        if (operations_of(operation) == 0) {
            return cli_usage_error("tune --operation %s: what a call costs the host has no tuned values",
                                   bench_operation_name(operation));
        }
        call->operations |= operations_of(operation);
    }
    return CLI_OK;
}

/* Shapes, and whether there is one for each operation. */
static int take_shapes(tune_call *call)
{
    const char *path = call->options->bench.shapes;
    uint32_t measured;
    clq_error error;
    if (path != NULL) {
        if (cli_bench_read_shapes(path, call->shapes, &call->shape_count, &error) != CLQ_OK) {
            return cli_report(&error);
        }
        call->problems.shapes = call->shapes;
        call->problems.shape_count = call->shape_count;
    }
    measured = tune_measured_operations(&call->problems);
    if ((call->operations & ~measured) != 0) {
        return cli_usage_error("tune: %s has no shape for an operation that is named (MxNxK for gemm, 32768 elements "
                               "for each parameter for histogram, a tensor for others; batch takes none)",
                               path);
    }
    call->operations = call->operations == 0 ? measured : call->operations;
    return CLI_OK;
}

static int take_arguments(tune_call *call)
{
    const cli_options *o = call->options;
    const int moves = o->tune.export_path != NULL || o->tune.import_path != NULL;
    int code;
    if (o->tune.export_path != NULL && o->tune.import_path != NULL) {
        return cli_usage_error("--export and --import cannot both be given");
    }
    if (moves && (o->tune.operations.count > 0 || o->bench.shapes != NULL || o->tune.budget_given)) {
        return cli_usage_error("--%s searches nothing: --operation, --shapes and --budget cannot be given with it",
                               o->tune.export_path != NULL ? "export" : "import");
    }
    code = moves ? CLI_OK : take_operations(call);
    return code == CLI_OK && !moves ? take_shapes(call) : code;
}

/* ---- files ---- */

static clq_status export_table(tune_call *call, clq_error *error)
{
    const char *path = call->options->tune.export_path;
    const clq_written written = {"a table of tuned values", {NULL}, ""};
    char *text = call->text;
    clq_writer *writer = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY(clq_path_check_ending(path, &written, error));
    CLQ_TRY(clq_path_check(path, NULL, call->options->file.replace, error));
    CLQ_TRY(clq_tuning_present(call->context, call->report.table, error));
    CLQ_TRY(clq_tuning_print(call->context, call->report.table, text, error));
    CLQ_TRY(clq_writer_open(path, strlen(text), call->options->file.replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, text, strlen(text), error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
    call->report.action = CLI_TUNE_EXPORTED;
    call->report.path = path;
done:
    clq_writer_abandon(&writer);
    return status;
}

static clq_status import_table(tune_call *call, clq_error *error)
{
    const char *path = call->options->tune.import_path;
    uint64_t bytes = 0;
    int fd = -1;
    clq_status status = clq_file_open(path, &fd, &bytes, error);
    CLQ_TRY(status);
    if (bytes > call->text_bytes) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: %llu bytes are too many for a table of tuned values", path,
                          (unsigned long long)bytes);
    }
    status = status == CLQ_OK ? clq_file_read(fd, path, 0, call->text, bytes, error) : status;
    (void)close(fd);
    CLQ_TRY(status);
    status = clq_tuning_parse(call->context, call->text, (size_t)bytes, call->report.table, error);
    if (status != CLQ_OK) {
        return clq_fail_in(error, status, "%s", path);
    }
    CLQ_TRY(clq_tuning_store(call->context, call->report.table, call->path, sizeof call->path, error));
    call->report.action = CLI_TUNE_IMPORTED;
    call->report.path = call->path;
    return CLQ_OK;
}

/* ---- the search ---- */

static double now(void *cookie)
{
    (void)cookie;
    return bench_now();
}

static clq_status measure(void *cookie, uint32_t operations, const clq_tuned_value *base,
                          clq_tuned_value *const *tables, size_t count, int rounds, double end, tune_score *scores,
                          double *noise, clq_error *error)
{
    tune_call *call = cookie;
    return tune_measure(&call->problems, operations, base, tables, count, rounds, end, scores, noise, error);
}

static void tell(void *cookie, size_t done, size_t total, const char *name)
{
    tune_call *call = cookie;
    if (call->progress == NULL) {
        call->progress = cli_progress_begin(call->options, "tune", total);
        cli_progress_count(call->progress, "steps");
    }
    cli_progress_at(call->progress, done, name);
}

/* That a table can be kept is known before minutes go into one: the present one is written as it is. */
static clq_status make_start(tune_call *call, clq_error *error)
{
    const size_t bytes = clq_tunables(NULL) * sizeof *call->start;
    CLQ_TRY(clq_tuning_untuned(call->context, call->untuned, error));
    CLQ_TRY(clq_tuning_present(call->context, call->kept, error));
    memcpy(call->start, call->kept, bytes);
    return clq_tuning_store(call->context, call->kept, call->path, sizeof call->path, error);
}

/* Begin what is searched from an untuned device; 0: it did already. */
static int forget_start(tune_call *call)
{
    const clq_tunable *tunables = NULL;
    const size_t count = clq_tunables(&tunables);
    int is_other = 0;
    for (size_t i = 0; i < count; i++) {
        if ((tunables[i].operations & call->operations) != 0) {
            is_other |= call->start[i].value != call->untuned[i].value;
            call->start[i] = call->untuned[i];
        }
    }
    return is_other;
}

/* What has not been timed stays as it is kept. */
static void keep_unreached(tune_call *call)
{
    for (size_t i = 0; i < call->report.count; i++) {
        tune_row *row = &call->rows[i];
        if (row->outcome == TUNE_NOT_REACHED) {
            call->report.table[row->number] = call->kept[row->number];
            row->before = row->chosen = call->kept[row->number].value;
        }
    }
}

/* What is kept may bring a kernel into use that is set aside here, as a table of another machine can. */
static clq_status search_until(tune_call *call, double end, clq_error *error)
{
    const tune_meter meter = {call, measure, now, tell};
    clq_status status = CLQ_MISMATCH;
    for (int begun = 0; status == CLQ_MISMATCH && (begun == 0 || (begun == 1 && forget_start(call))); begun++) {
        if (begun > 0) {
            cli_warning(call->options, "the values that are kept are no beginning for a search: %s", error->message);
        }
        status = tune_search(&meter, call->operations, end - bench_now(), call->start, call->untuned,
                             call->report.table, call->rows, &call->report.count, error);
    }
    if (status == CLQ_OK) {
        keep_unreached(call);
    }
    return status;
}

static clq_status search(tune_call *call, clq_error *error)
{
    const uint64_t budget = call->options->tune.budget_given ? call->options->tune.budget : DEFAULT_BUDGET;
    const double begin = bench_now();
    call->problems.context = call->context;
    call->problems.elements = budget < LEAST_BUDGET_FOR_LARGE ? quick_elements : large_elements;
    call->problems.stop = cli_interrupted;
    CLQ_TRY(make_start(call, error));
    CLQ_TRY(search_until(call, begin + (double)budget, error));
    CLQ_TRY(clq_tuning_store(call->context, call->report.table, call->path, sizeof call->path, error));
    call->report.action = CLI_TUNE_SEARCHED;
    call->report.path = call->path;
    call->report.rows = call->rows;
    call->report.seconds = bench_now() - begin;
    return CLQ_OK;
}

/* ---- the verb ---- */

static int run(tune_call *call)
{
    const cli_options *o = call->options;
    clq_error error;
    clq_status status;
    int code = take_arguments(call);
    if (code != CLI_OK) {
        return code;
    }
    status = cli_open_opencl(o, "tune (see 'clquant devices')", &call->context, &error);
    if (status == CLQ_OK) {
        clq_context_device(call->context, &call->report.device);
        status = call->report.device.platform >= 0
                     ? CLQ_OK
                     : clq_fail(&error, CLQ_INVALID_ARGUMENT,
                                "--device %.200s: what is tuned is how kernels of an OpenCL device are chosen: %s has "
                                "nothing to tune",
                                o->device, call->report.device.name);
    }
    if (status == CLQ_OK) {
        status = o->tune.export_path != NULL   ? export_table(call, &error)
                 : o->tune.import_path != NULL ? import_table(call, &error)
                                               : search(call, &error);
        cli_progress_end(&call->progress);
    }
    status = status == CLQ_OK ? cli_tune_report_print(o, &call->report, &error) : status;
    clq_context_destroy(&call->context);
    return status != CLQ_OK ? cli_report_failure(&error) : CLI_OK;
}

int cli_tune(const cli_options *options)
{
    const size_t room = clq_tunables(NULL) + 1;
    clq_tuned_value *tables = calloc(4 * room, sizeof *tables);
    tune_call *call = calloc(1, sizeof *call); /* too large for a small stack */
    int code;
    if (call != NULL) {
        call->options = options;
        call->text_bytes = CLQ_TUNING_TEXT_BYTES(room);
        call->text = malloc(call->text_bytes);
        call->rows = calloc(room, sizeof *call->rows);
    }
    if (tables != NULL && call != NULL && call->text != NULL && call->rows != NULL) {
        call->kept = tables;
        call->untuned = tables + room;
        call->start = tables + 2 * room;
        call->report.table = tables + 3 * room;
        code = run(call);
    } else {
        clq_error error;
        clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory to tune");
        code = cli_report(&error);
    }
    if (call != NULL) {
        free(call->text);
        free(call->rows);
    }
    free(tables);
    free(call);
    return code;
}
