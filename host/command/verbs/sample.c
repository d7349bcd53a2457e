/* SPDX-License-Identifier: Apache-2.0 */
/* clquant sample: write a model file with real layer shapes and plausible weights. */
#include <stdlib.h>
#include <string.h>

#include "command/verbs/report.h"
#include "command/verbs/sample.h"
#include "format/file.h"
#include "format/output_path.h"
#include "format/safetensors.h"

enum { CHUNK_ELEMENTS = 64 * CLI_SAMPLE_BLOCK };

/* A tensor and its place in the file. */
typedef struct placed {
    const cli_sample_tensor *tensor;
    uint64_t offset;
} placed;

typedef struct totals {
    uint64_t parameters; /* of floating point type */
    uint64_t bytes;      /* of the whole file */
} totals;

static int compare_offsets(const void *left, const void *right)
{
    const uint64_t a = ((const placed *)left)->offset;
    const uint64_t b = ((const placed *)right)->offset;
    return a < b ? -1 : a > b;
}

static clq_status add_tensors(clq_safetensors_plan *plan, const cli_sample_model *model, totals *sum, clq_error *error)
{
    for (size_t i = 0; i < model->count; i++) {
        const cli_sample_tensor *tensor = &model->tensors[i];
        size_t index = 0; /* the i-th added is number i */
        CLQ_TRY(clq_safetensors_plan_tensor(plan, tensor->name, cli_sample_type_name(tensor->type), tensor->rank,
                                            tensor->shape, tensor->bytes, &index, error));
        sum->parameters += tensor->kind != CLI_SAMPLE_COUNTER ? tensor->elements : 0;
    }
    return clq_safetensors_plan_metadata(plan, "format", "pt", error);
}

static clq_status write_tensor(clq_writer *writer, const cli_sample_tensor *tensor, uint64_t seed, uint8_t *chunk,
                               cli_progress *progress, uint64_t *done_bytes, clq_error *error)
{
    cli_sample_stream stream;
    cli_sample_begin(&stream, tensor, seed);
    for (uint64_t done = 0; done < tensor->elements; done += CHUNK_ELEMENTS) {
        const uint64_t left = tensor->elements - done;
        const size_t count = left < CHUNK_ELEMENTS ? (size_t)left : CHUNK_ELEMENTS;
        const uint64_t bytes = count * cli_sample_type_bytes(tensor->type);
        if (cli_interrupted()) {
            return clq_fail(error, CLQ_CANCELLED, "interrupted: nothing was written");
        }
        cli_progress_at(progress, *done_bytes, tensor->name);
        cli_sample_next(&stream, count, chunk);
        CLQ_TRY(clq_writer_write(writer, chunk, bytes, error));
        *done_bytes += bytes;
    }
    return CLQ_OK;
}

/* The data follows the header in the order of the plan's offsets, without gaps. */
static clq_status write_data(const cli_options *options, clq_writer *writer, const clq_safetensors_plan *plan,
                             const cli_sample_model *model, uint64_t total_bytes, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint64_t done_bytes = 0;
    placed *order = calloc(model->count, sizeof *order);
    uint8_t *chunk = malloc((size_t)CHUNK_ELEMENTS * 4);
    cli_progress *progress = NULL;
    if (order == NULL || chunk == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the data");
        goto done;
    }
    for (size_t i = 0; i < model->count; i++) {
        order[i].tensor = &model->tensors[i];
        order[i].offset = clq_safetensors_plan_offset(plan, i);
    }
    qsort(order, model->count, sizeof *order, compare_offsets);
    progress = cli_progress_begin(options, "sample", total_bytes);
    for (size_t i = 0; i < model->count; i++) {
        CLQ_TRY_TO(write_tensor(writer, order[i].tensor, options->seed, chunk, progress, &done_bytes, error));
    }
done:
    cli_progress_end(&progress);
    free(order);
    free(chunk);
    return status;
}

static clq_status write_model(const cli_options *options, const cli_sample_model *model, totals *sum, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_safetensors_plan *plan = NULL;
    clq_writer *writer = NULL;
    const char *header = NULL;
    uint64_t header_bytes = 0;
    const clq_written written = {"safetensors", {".safetensors"}, ""};
    CLQ_TRY(clq_path_check_ending(options->file.output, &written, error));
    CLQ_TRY(clq_path_check(options->file.output, NULL, options->file.replace, error));
    CLQ_TRY(clq_safetensors_plan_create(&plan, error));
    CLQ_TRY_TO(add_tensors(plan, model, sum, error));
    CLQ_TRY_TO(clq_safetensors_plan_finish(plan, &header, &header_bytes, &sum->bytes, error));
    CLQ_TRY_TO(clq_writer_open(options->file.output, sum->bytes, options->file.replace, &writer, error));
    CLQ_TRY_TO(clq_writer_write(writer, header, header_bytes, error));
    CLQ_TRY_TO(write_data(options, writer, plan, model, sum->bytes - header_bytes, error));
    CLQ_TRY_TO(clq_writer_commit(&writer, error));
done:
    clq_writer_abandon(&writer);
    clq_safetensors_plan_destroy(&plan);
    return status;
}

static void print_result(const cli_options *options, const cli_sample_model *model, const totals *sum)
{
    clq_json_writer json;
    char bytes[32];
    char path[512];
    if (options->json) {
        cli_json_begin(&json);
        clq_json_writer_key(&json, "file");
        clq_json_writer_string(&json, options->file.output);
        clq_json_writer_key(&json, "model");
        clq_json_writer_string(&json, options->positional.items[0]);
        clq_json_writer_key(&json, "seed");
        clq_json_writer_u64(&json, options->seed);
        clq_json_writer_key(&json, "scale");
        clq_json_writer_u64(&json, options->model_scale);
        clq_json_writer_key(&json, "tensors");
        clq_json_writer_u64(&json, model->count);
        clq_json_writer_key(&json, "parameters");
        clq_json_writer_u64(&json, sum->parameters);
        clq_json_writer_key(&json, "bytes");
        clq_json_writer_u64(&json, sum->bytes);
        cli_json_end(&json);
    } else if (!options->quiet) {
        clq_format_bytes(bytes, sizeof bytes, sum->bytes);
        clq_printable(path, sizeof path, options->file.output, strlen(options->file.output));
        cli_line(stdout, "%s: %zu tensors, %llu parameters, %s", path, model->count,
                 (unsigned long long)sum->parameters, bytes);
    }
}

int cli_sample(const cli_options *options)
{
    const char *name = options->positional.items[0];
    cli_sample_model model;
    totals sum = {0, 0};
    clq_error error;
    clq_status status = CLQ_OK;
    if (!cli_sample_build(name, options->model_scale, &model)) {
        return cli_usage_error("unknown model '%s': required is %s, %s or %s", name, cli_sample_name(0),
                               cli_sample_name(1), cli_sample_name(2));
    }
    if (model.failed) {
        status = clq_fail(&error, CLQ_OUT_OF_MEMORY, "no memory for the list of tensors");
    } else {
        status = write_model(options, &model, &sum, &error);
    }
    if (status == CLQ_OK) {
        print_result(options, &model, &sum);
    }
    cli_sample_release(&model);
    return cli_report_end(status == CLQ_OK ? options->file.output : NULL, status, &error);
}
