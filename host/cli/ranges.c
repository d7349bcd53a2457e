/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "real.h"

/* Elements looked at at a time on the host. */
enum { PIECE = 2048 };

void cli_ranges_clear(float *ranges, uint64_t parameters)
{
    for (uint64_t i = 0; i < parameters; i++) {
        ranges[2 * i] = INFINITY;
        ranges[2 * i + 1] = -INFINITY;
    }
}

int cli_range_is_empty(const float *range)
{
    return range[0] > range[1];
}

int cli_ranges_are_local(const cli_chunker *chunker)
{
    return chunker->whole.granularity == CLQ_PER_GROUP && chunker->run <= chunker->limit;
}

/*
 * Which parameters of the loaded chunk have a finite element. clq_minmax gives [0, 0] to those that have none, which
 * must not widen the range that another chunk found for the same parameter.
 */
static clq_status mark_finite(const cli_stage *stage, const clq_quantization *q, uint64_t parameters, uint8_t *seen,
                              clq_error *error)
{
    const clq_file_dtype dtype = {.type = q->real};
    cli_chunker whole;
    double values[PIECE];
    memset(seen, 0, (size_t)parameters);
    CLQ_TRY(cli_chunker_init(&whole, &q->layout, 1, error));
    for (uint64_t first = 0; first < whole.elements; first += PIECE) {
        const size_t count = whole.elements - first < PIECE ? (size_t)(whole.elements - first) : PIECE;
        cli_real_widen(cli_real_of(&dtype), stage->real, (size_t)first, count, values);
        for (size_t i = 0; i < count; i++) {
            if (isfinite(values[i])) {
                seen[cli_chunk_parameter_of(&whole, first + i)] = 1;
            }
        }
    }
    return CLQ_OK;
}

static void merge_nonfinite(clq_nonfinite *total, const clq_nonfinite *part, uint64_t first)
{
    if (part->count > 0 && total->first_index == UINT64_MAX) {
        total->first_index = first + part->first_index;
    }
    total->count += part->count;
}

clq_status cli_ranges_merge(cli_stage *stage, const clq_model *model, size_t tensor, const clq_quantization *q,
                            const cli_chunk *chunk, float *ranges, clq_nonfinite *nonfinite, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_quantization part = *q;
    clq_nonfinite found = {0, UINT64_MAX};
    float *own = malloc((size_t)chunk->parameters * 2 * sizeof *own);
    uint8_t *seen = malloc((size_t)chunk->parameters);
    part.layout = chunk->layout;
    if (own == NULL || seen == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %" PRIu64 " ranges", chunk->parameters));
    }
    CLQ_TRY_TO(cli_stage_load(stage, model, tensor, &part, chunk, error));
    CLQ_TRY_TO(cli_stage_minmax(stage, &part, chunk, own, &found, error));
    if (found.count > 0) {
        CLQ_TRY_TO(mark_finite(stage, &part, chunk->parameters, seen, error));
    }
    for (uint64_t i = 0; i < chunk->parameters; i++) {
        float *range = &ranges[2 * i];
        if (found.count == 0 || seen[i]) {
            range[0] = own[2 * i] < range[0] ? own[2 * i] : range[0];
            range[1] = own[2 * i + 1] > range[1] ? own[2 * i + 1] : range[1];
        }
    }
    merge_nonfinite(nonfinite, &found, chunk->first);
done:
    free(seen);
    free(own);
    return status;
}
