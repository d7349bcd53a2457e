/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#include "../size.h"
#include "chunk.h"

/* Data is read in chunks of at most this much, less when --memory asks for it. */
#define CHUNK_BYTES (UINT64_C(64) << 20)

/* Where the work is done: one set of buffers serves all tensors. */
struct cli_ranger {
    const clq_model *model;
    clq_context *context;
    uint64_t chunk_bytes;
    void *memory; /* of one chunk */
    clq_buffer *x, *range, *nonfinite;
    cli_progress *progress;
    uint64_t done_bytes;
};

/* Is element `i` finite? The exponent tells. */
static int is_finite_at(const void *memory, clq_dtype type, uint64_t i)
{
    uint32_t word = 0;
    uint16_t half = 0;
    if (type == CLQ_F32) {
        memcpy(&word, (const char *)memory + 4 * i, 4);
        return (word & 0x7F800000u) != 0x7F800000u;
    }
    memcpy(&half, (const char *)memory + 2 * i, 2);
    return type == CLQ_F16 ? (half & 0x7C00u) != 0x7C00u : (half & 0x7F80u) != 0x7F80u;
}

static void merge_range(cli_ranges *found, uint64_t parameter, float lo, float hi)
{
    float *range = &found->ranges[2 * parameter];
    if (!found->seen[parameter]) {
        range[0] = lo;
        range[1] = hi;
        found->seen[parameter] = 1;
        return;
    }
    range[0] = lo < range[0] ? lo : range[0];
    range[1] = hi > range[1] ? hi : range[1];
}

/*
 * Add a chunk's ranges to the tensor's. A parameter without finite elements in the chunk reads [0, 0] and must not
 * count; only where the chunk has non-finite elements is there one to look for.
 */
static clq_status merge_chunk(cli_ranges *found, const cli_chunk *chunk, const float *ranges, uint64_t nonfinite,
                              const void *memory, clq_error *error)
{
    const clq_dtype type = found->tensor->dtype.type;
    cli_chunker own;
    uint8_t *finite = NULL;
    if (nonfinite > 0) {
        CLQ_TRY(cli_chunker_init(&own, &chunk->layout, chunk->count, error));
        finite = calloc((size_t)chunk->parameters, 1);
        if (finite == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %llu ranges",
                            (unsigned long long)chunk->parameters);
        }
        for (uint64_t i = 0; i < chunk->count; i++) {
            finite[cli_chunk_parameter_of(&own, i)] |= (uint8_t)is_finite_at(memory, type, i);
        }
    }
    for (uint64_t i = 0; i < chunk->parameters; i++) {
        if (finite == NULL || finite[i]) {
            merge_range(found, chunk->first_parameter + i, ranges[2 * i], ranges[2 * i + 1]);
        }
    }
    free(finite);
    return CLQ_OK;
}

/* The buffer, made anew when it is too small. */
static clq_status make_room(clq_context *context, clq_buffer **buffer, uint64_t bytes, clq_error *error)
{
    if (*buffer != NULL && clq_buffer_bytes(*buffer) >= bytes) {
        return CLQ_OK;
    }
    clq_buffer_destroy(buffer);
    return clq_buffer_create(context, bytes, buffer, error);
}

static clq_status run_chunk(cli_ranger *ranger, cli_ranges *found, const cli_chunk *chunk, float *ranges,
                            clq_error *error)
{
    const size_t index = (size_t)(found->tensor - ranger->model->tensors);
    const uint64_t bytes = clq_dtype_bytes(found->tensor->dtype.type, chunk->count);
    const uint64_t range_bytes = chunk->parameters * 2 * sizeof(float);
    clq_nonfinite nonfinite = {0, UINT64_MAX};
    clq_quantization q;
    clq_operand x = {0}, range = {0}, count = {0};
    clq_quantization_init(&q);
    q.real = found->tensor->dtype.type;
    q.layout = chunk->layout;
    CLQ_TRY(make_room(ranger->context, &ranger->x, bytes, error));
    CLQ_TRY(make_room(ranger->context, &ranger->range, range_bytes, error));
    CLQ_TRY(make_room(ranger->context, &ranger->nonfinite, sizeof nonfinite, error));
    x.buffer = ranger->x;
    range.buffer = ranger->range;
    count.buffer = ranger->nonfinite;
    CLQ_TRY(clq_model_read(ranger->model, index, chunk->first, chunk->count, ranger->memory, error));
    CLQ_TRY(clq_buffer_write(ranger->x, 0, ranger->memory, bytes, error));
    CLQ_TRY(clq_minmax(ranger->context, &q, x, range, count, error));
    CLQ_TRY(clq_buffer_read(ranger->range, 0, ranges, range_bytes, error));
    CLQ_TRY(clq_buffer_read(ranger->nonfinite, 0, &nonfinite, sizeof nonfinite, error));
    if (nonfinite.count > 0 && found->nonfinite.count == 0) {
        found->nonfinite.first_index = chunk->first + nonfinite.first_index;
    }
    found->nonfinite.count += nonfinite.count;
    return merge_chunk(found, chunk, ranges, nonfinite.count, ranger->memory, error);
}

/* The range over all parameters, for the table. */
static void sum_up(cli_ranges *found)
{
    for (uint64_t i = 0; i < found->parameters; i++) {
        const float *range = &found->ranges[2 * i];
        if (found->seen[i]) {
            found->lo = !found->any_seen || range[0] < found->lo ? range[0] : found->lo;
            found->hi = !found->any_seen || range[1] > found->hi ? range[1] : found->hi;
            found->any_seen = 1;
        }
    }
}

clq_status cli_ranger_run(cli_ranger *ranger, const clq_model_tensor *tensor, const clq_layout *layout,
                          cli_ranges *found, clq_error *error)
{
    clq_status status = CLQ_OK;
    cli_chunker chunker;
    cli_chunk chunk;
    float *ranges = NULL;
    memset(found, 0, sizeof *found);
    found->tensor = tensor;
    found->layout = *layout;
    found->nonfinite.first_index = UINT64_MAX;
    CLQ_TRY(cli_chunker_init(&chunker, layout, ranger->chunk_bytes / (tensor->dtype.bits / 8), error));
    /* There are at most as many parameters as elements in the file, so these sizes fit. */
    found->parameters = chunker.parameters;
    found->ranges = calloc((size_t)chunker.parameters + 1, 2 * sizeof *found->ranges);
    found->seen = calloc((size_t)chunker.parameters + 1, 1);
    ranges = calloc((size_t)chunker.parameters + 1, 2 * sizeof *ranges);
    if (found->ranges == NULL || found->seen == NULL || ranges == NULL) {
        status = clq_fail(error, CLQ_OUT_OF_MEMORY, "tensor '%s': no memory for %llu ranges", tensor->name,
                          (unsigned long long)chunker.parameters);
        goto done;
    }
    while (cli_chunker_next(&chunker, &chunk)) {
        if (cli_interrupted()) {
            status = clq_fail(error, CLQ_CANCELLED, "interrupted");
            goto done;
        }
        cli_progress_at(ranger->progress, ranger->done_bytes, tensor->name);
        CLQ_TRY_TO(run_chunk(ranger, found, &chunk, ranges, error));
        ranger->done_bytes += clq_dtype_bytes(tensor->dtype.type, chunk.count);
    }
    sum_up(found);
done:
    free(ranges);
    return status;
}

clq_status cli_ranger_create(const cli_options *options, const clq_model *model, clq_context *context,
                             uint64_t total_bytes, cli_ranger **out, clq_error *error)
{
    cli_ranger *ranger = calloc(1, sizeof *ranger);
    *out = ranger;
    if (ranger == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory");
    }
    ranger->model = model;
    ranger->context = context;
    /* The device's buffer may be host memory too; a quarter leaves room for ranges. */
    ranger->chunk_bytes = clq_size_min(CHUNK_BYTES, options->memory_bytes / 4);
    ranger->memory = malloc((size_t)clq_size_max(1, clq_size_min(ranger->chunk_bytes, total_bytes)));
    if (ranger->memory == NULL) {
        cli_ranger_destroy(out);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a chunk of data");
    }
    ranger->progress = cli_progress_begin(options, "minmax", total_bytes);
    return CLQ_OK;
}

void cli_ranger_destroy(cli_ranger **ranger)
{
    if (ranger == NULL || *ranger == NULL) {
        return;
    }
    cli_progress_end(&(*ranger)->progress);
    clq_buffer_destroy(&(*ranger)->x);
    clq_buffer_destroy(&(*ranger)->range);
    clq_buffer_destroy(&(*ranger)->nonfinite);
    free((*ranger)->memory);
    free(*ranger);
    *ranger = NULL;
}

void cli_ranges_release(cli_ranges *found)
{
    free(found->ranges);
    free(found->seen);
    found->ranges = NULL;
    found->seen = NULL;
}
