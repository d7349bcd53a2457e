/* SPDX-License-Identifier: Apache-2.0 */
#include "model/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "stream/chunk.h"

/* ---- pieces become tensors ---- */

/* Bytes of CLQ_PIECE_ROWS rows of a part, 0 where it has none; and the rows of words among them, if it is packed so. */
typedef struct part_rows {
    uint64_t bytes, words;
} part_rows;

static part_rows rows_of_part(const clq_model_plan_tensor *whole, clq_part which, uint64_t row)
{
    const clq_plan_part *part = &whole->parts[which];
    const unsigned bits = (unsigned)clq_dtype_bits(whole->q.scheme.dtype);
    const uint64_t rows = whole->elements / row;
    const uint64_t parameters = whole->parameters / rows; /* of a row */
    if (which == CLQ_PART_SHAPE || which == CLQ_PART_INPUT_SCALE) {
        return (part_rows){0, 0};
    }
    if (which == CLQ_PART_CODES) {
        /* Codes of 4 bits may be packed over the whole tensor, with half a byte in a row. */
        return (part_rows){part->bytes % rows == 0 ? part->bytes / rows * CLQ_PIECE_ROWS : CLQ_PIECE_ROWS / 2 * row, 0};
    }
    if (which == CLQ_PART_ZERO_POINT && part->shape[0] < whole->parts[CLQ_PART_SCALE].shape[0]) {
        /* In words along the rows, of which 32 fill as many rows of words as a code has bits. Bytes do not tell: those
         * of 8 bits fill their words, like bytes of their own. */
        return (part_rows){part->bytes / part->shape[0] * bits, bits};
    }
    return (part_rows){part->bytes / whole->parameters * parameters * CLQ_PIECE_ROWS, 0};
}

/* The windows of a piece that begins at `first` and, unless it is the last, ends at row `end`. */
static clq_status make_windows(clq_model_plan_tensor *piece, uint64_t row, uint64_t first, uint64_t end, int last,
                               clq_output *output, clq_error *error)
{
    for (clq_part p = CLQ_PART_CODES; p < CLQ_PARTS; p++) {
        const clq_plan_part *from = &piece->whole->parts[p];
        const part_rows rows = rows_of_part(piece->whole, p, row);
        const uint64_t offset = first / CLQ_PIECE_ROWS * rows.bytes;
        clq_plan_part *part = &piece->parts[p];
        if (!clq_part_is_there(piece->whole, p)) {
            continue;
        }
        if (rows.bytes == 0) { /* of the tensor as a whole: the first piece has it */
            part->name = first == 0 ? part->name : NULL;
            continue;
        }
        part->bytes = last ? from->bytes - offset : (end - first) / CLQ_PIECE_ROWS * rows.bytes;
        if (rows.words > 0) {
            part->shape[0] = last ? from->shape[0] - first / CLQ_PIECE_ROWS * rows.words
                                  : (end - first) / CLQ_PIECE_ROWS * rows.words;
        }
        CLQ_TRY(clq_output_window(output, from->number, offset, part->bytes, &part->number, error));
    }
    return CLQ_OK;
}

/* Whole rows of a tensor that is quantized. */
static clq_status make_rows(clq_model_plan_tensor *piece, const clq_work_piece *at, clq_error *error)
{
    const clq_model_plan_tensor *whole = piece->whole;
    uint64_t row = 0;
    clq_chunker chunker;
    clq_chunk chunk;
    (void)clq_piece_rows(whole, &row);
    CLQ_TRY(clq_chunker_init(&chunker, &whole->q.layout, at->count, error));
    chunker.position = at->first;
    if (row == 0 || !clq_chunker_next(&chunker, &chunk) || chunk.count != at->count) {
        return clq_fail(error, CLQ_INVALID_ARGUMENT, "a piece is not of whole rows");
    }
    piece->q.layout = chunk.layout;
    piece->elements = chunk.count;
    piece->parameters = chunk.parameters;
    piece->first_parameter = chunk.first_parameter;
    piece->is_shared = whole->q.layout.granularity == CLQ_PER_TENSOR;
    return CLQ_OK;
}

static clq_status make_piece(clq_model_plan_tensor *piece, const clq_work_piece *at, clq_error *error)
{
    piece->first = at->first;
    piece->bytes = at->bytes;
    return piece->quantized && at->count < piece->whole->elements ? make_rows(piece, at, error) : CLQ_OK;
}

/* Where the piece lies in the parts of its tensor. */
static clq_status place_piece(clq_model_plan_tensor *piece, clq_output *output, clq_error *error)
{
    const clq_model_plan_tensor *whole = piece->whole;
    clq_plan_part *codes = &piece->parts[CLQ_PART_CODES];
    uint64_t row = 0;
    memcpy(piece->parts, whole->parts, sizeof piece->parts);
    piece->zero_point_form = whole->zero_point_form;
    if (piece->quantized && piece->elements < whole->elements) {
        const uint64_t end = piece->first + piece->elements;
        (void)clq_piece_rows(whole, &row);
        return make_windows(piece, row, piece->first / row, end / row, end == whole->elements, output, error);
    }
    if (!piece->quantized && piece->bytes < whole->bytes) {
        codes->bytes = piece->bytes;
        return clq_output_window(output, whole->parts[CLQ_PART_CODES].number, piece->first, piece->bytes,
                                 &codes->number, error);
    }
    return CLQ_OK;
}

clq_status clq_work_create(const clq_model_plan *plan, const clq_pieces *pieces, uint32_t owner, clq_model_plan **out,
                           clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_model_plan *work = malloc(sizeof *work);
    *out = work;
    if (work == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu pieces", pieces->count);
    }
    *work = *plan;
    work->count = 0;
    work->tensors = calloc(pieces->count + 1, sizeof *work->tensors);
    if (work->tensors == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu pieces", pieces->count));
    }
    for (size_t i = 0; i < pieces->count; i++) {
        clq_model_plan_tensor *piece = &work->tensors[i];
        *piece = plan->tensors[pieces->items[i].tensor];
        piece->whole = &plan->tensors[pieces->items[i].tensor];
        piece->number = i;
        piece->elsewhere = pieces->items[i].owner != owner;
        piece->range = NULL;
        piece->scale = NULL;
        piece->zero_point = NULL;
        work->count = i + 1;
        CLQ_TRY_TO(make_piece(piece, &pieces->items[i], error));
    }
done:
    if (status != CLQ_OK) {
        clq_work_destroy(out);
    }
    return status;
}

clq_status clq_work_place(clq_model_plan *work, clq_output *output, clq_error *error)
{
    for (size_t i = 0; i < work->count; i++) {
        CLQ_TRY(place_piece(&work->tensors[i], output, error));
    }
    return CLQ_OK;
}

void clq_work_destroy(clq_model_plan **work)
{
    if (*work == NULL) {
        return;
    }
    for (size_t i = 0; i < (*work)->count; i++) { /* their names are the plan's */
        free((*work)->tensors[i].range);
        free((*work)->tensors[i].scale);
        free((*work)->tensors[i].zero_point);
    }
    free((*work)->tensors);
    free(*work);
    *work = NULL;
}

void clq_work_count(const clq_model_plan *work, uint64_t *in, uint64_t *out)
{
    *in = 0;
    *out = 0;
    for (size_t i = 0; i < work->count; i++) {
        const clq_model_plan_tensor *piece = &work->tensors[i];
        *in += piece->elsewhere ? 0 : piece->bytes;
        for (clq_part p = CLQ_PART_CODES; p < CLQ_PARTS && !piece->elsewhere; p++) {
            if (clq_part_is_there(piece, p)) {
                *out += piece->quantized ? piece->parts[p].bytes : piece->bytes;
            }
        }
    }
}

/* ---- what was found ---- */

static void clear(clq_model_plan_tensor *tensor)
{
    tensor->elsewhere = 1;
    tensor->nonfinite = (clq_nonfinite){0, UINT64_MAX};
    tensor->range_low = INFINITY;
    tensor->range_high = -INFINITY;
    tensor->scale_low = INFINITY;
    tensor->scale_high = -INFINITY;
    tensor->zero_point_low = INT32_MAX;
    tensor->zero_point_high = INT32_MIN;
    tensor->clipped = 0;
    tensor->measured = 0;
    memset(&tensor->tally, 0, sizeof tensor->tally);
}

static float least(float a, float b)
{
    return b < a ? b : a;
}

static void add(clq_model_plan_tensor *tensor, const clq_model_plan_tensor *piece)
{
    if (piece->nonfinite.count > 0 && tensor->nonfinite.count == 0) {
        tensor->nonfinite.first_index = piece->first + piece->nonfinite.first_index;
    }
    tensor->nonfinite.count += piece->nonfinite.count;
    tensor->range_low = least(tensor->range_low, piece->range_low);
    tensor->range_high = -least(-tensor->range_high, -piece->range_high);
    tensor->scale_low = least(tensor->scale_low, piece->scale_low);
    tensor->scale_high = -least(-tensor->scale_high, -piece->scale_high);
    tensor->zero_point_low =
        piece->zero_point_low < tensor->zero_point_low ? piece->zero_point_low : tensor->zero_point_low;
    tensor->zero_point_high =
        piece->zero_point_high > tensor->zero_point_high ? piece->zero_point_high : tensor->zero_point_high;
    tensor->clipped += piece->clipped;
    tensor->measured |= piece->measured;
    if (tensor->elsewhere && piece->measured) {
        tensor->tally.elements = piece->first; /* so that the place of the greatest error is that in the whole */
        tensor->tally.maximum_index = UINT64_MAX;
    }
    clq_tally_add(&tensor->tally, &piece->tally);
    tensor->elsewhere = 0;
}

/* Parameters that pieces have kept, for a report that lists them. */
static clq_status take_values(clq_model_plan_tensor *tensor, const clq_model_plan_tensor *piece, clq_error *error)
{
    const size_t count = (size_t)piece->parameters;
    const size_t first = (size_t)piece->first_parameter;
    if (piece->range == NULL || piece->scale == NULL || piece->zero_point == NULL) {
        return CLQ_OK;
    }
    if (tensor->range == NULL) {
        tensor->range = malloc((size_t)tensor->parameters * 2 * sizeof *tensor->range);
        tensor->scale = malloc((size_t)tensor->parameters * sizeof *tensor->scale);
        tensor->zero_point = malloc((size_t)tensor->parameters * sizeof *tensor->zero_point);
    }
    if (tensor->range == NULL || tensor->scale == NULL || tensor->zero_point == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for scales and zero points");
    }
    memcpy(tensor->range + 2 * first, piece->range, count * 2 * sizeof *tensor->range);
    memcpy(tensor->scale + first, piece->scale, count * sizeof *tensor->scale);
    memcpy(tensor->zero_point + first, piece->zero_point, count * sizeof *tensor->zero_point);
    return CLQ_OK;
}

clq_status clq_work_merge(const clq_model_plan *work, clq_model_plan *plan, clq_error *error)
{
    for (size_t i = 0; i < plan->count; i++) {
        clear(&plan->tensors[i]);
    }
    for (size_t i = 0; i < work->count; i++) {
        if (!work->tensors[i].elsewhere) {
            add(&plan->tensors[work->tensors[i].whole->number], &work->tensors[i]);
            CLQ_TRY(take_values(&plan->tensors[work->tensors[i].whole->number], &work->tensors[i], error));
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        clq_model_plan_tensor *tensor = &plan->tensors[i];
        if (tensor->measured) {
            tensor->errors = clq_tally_errors(&tensor->tally);
        }
    }
    return CLQ_OK;
}
