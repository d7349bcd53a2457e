/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pieces.h"

#include <stdlib.h>

#include "core/size.h"
#include "stream/chunk.h"

/* Bytes of the input in a piece, between these: few enough of them to balance, and not so many that they cost. */
static const uint64_t LEAST_BYTES = UINT64_C(16) << 10;
static const uint64_t MOST_BYTES = UINT64_C(64) << 20;
enum {
    PIECES_OF_ALL = 4096,
    PIECES_FOR_DEVICES = 512 /* whose shares are settled by the last pieces, which are many still */
};

static int has_one_scale(const clq_model_plan_tensor *tensor)
{
    return tensor->quantized && tensor->q.layout.granularity == CLQ_PER_TENSOR;
}

uint64_t clq_piece_rows(const clq_model_plan_tensor *tensor, uint64_t *row)
{
    clq_chunker whole;
    if (has_one_scale(tensor)) {
        const clq_layout *layout = &tensor->q.layout;
        *row = layout->rank > 1 ? layout->shape[layout->rank - 1] : 1; /* along which codes are packed */
        return *row < tensor->elements ? tensor->elements / *row : 0;
    }
    if (!tensor->quantized || clq_chunker_init(&whole, &tensor->q.layout, 1, NULL) != CLQ_OK ||
        clq_geometry_has_bands(&whole.geometry) || whole.outer != 1 || whole.channels < 2) {
        return 0;
    }
    *row = whole.inner;
    return whole.channels;
}

static int is_here(const clq_model_plan *plan, size_t tensor)
{
    const size_t shard = plan->has_share ? plan->model->tensors[plan->tensors[tensor].index].shard : 0;
    return !plan->has_share || (shard >= plan->first_shard && shard < plan->end_shard);
}

static uint64_t all_bytes(const clq_model_plan *plan, int here)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < plan->count; i++) {
        sum += !here || is_here(plan, i) ? plan->tensors[i].bytes : 0; /* of files: no sum of their sizes overflows */
    }
    return sum;
}

/* A power of two, so that it changes little with the model. */
static uint64_t piece_bytes(uint64_t all, uint64_t count)
{
    uint64_t bytes = LEAST_BYTES;
    while (bytes < MOST_BYTES && bytes < all / count) {
        bytes *= 2;
    }
    return bytes;
}

/* Units of a tensor in each of its pieces, and how many it has: rows, bytes, or all elements as one. */
typedef struct units {
    uint64_t count, each; /* in a piece `each` of them, in the last what is left */
    uint64_t elements;    /* of a unit */
    uint64_t bytes;       /* likewise, of the input */
} units;

static units units_of(const clq_model_plan *plan, const clq_model_plan_tensor *tensor, uint64_t most)
{
    uint64_t row = 0;
    const uint64_t rows = plan->counts && has_one_scale(tensor) ? 0 : clq_piece_rows(tensor, &row);
    units u = {1, 1, tensor->quantized ? tensor->elements : tensor->bytes, tensor->bytes};
    if (!tensor->quantized && tensor->bytes > 0) {
        u = (units){tensor->bytes, most, 1, 1};
    } else if (rows > 0) {
        const uint64_t bytes = tensor->bytes / rows;
        const uint64_t fit = bytes > 0 ? most / bytes / CLQ_PIECE_ROWS * CLQ_PIECE_ROWS : rows;
        u = (units){rows, clq_size_max(fit, CLQ_PIECE_ROWS), row, bytes};
    }
    return u;
}

static size_t cut(const clq_model_plan *plan, size_t number, uint64_t most, clq_work_piece *pieces)
{
    const clq_model_plan_tensor *tensor = &plan->tensors[number];
    const units u = units_of(plan, tensor, most);
    size_t count = 0;
    for (uint64_t done = 0; done < u.count; done += clq_size_min(u.each, u.count - done)) {
        const uint64_t step = clq_size_min(u.each, u.count - done);
        if (pieces != NULL) {
            pieces[count] = (clq_work_piece){number, done * u.elements, step * u.elements, step * u.bytes, 0};
        }
        count++;
    }
    return count;
}

/* Where the share of an owner ends: its number times all, over the parts, without overflow. */
static uint64_t end_of_share(uint64_t all, uint64_t owner, uint64_t parts)
{
    return all / parts * (owner + 1) + all % parts * (owner + 1) / parts;
}

/* Whole shards as pieces are shared below. */
void clq_shards_of_share(const clq_file_request *request, const clq_model *model, size_t *first, size_t *end)
{
    uint64_t all = 0;
    uint64_t before = 0;
    size_t next = 0; /* tensor; they come shard by shard */
    uint32_t owner = 0;
    *first = 0;
    *end = 0;
    for (size_t i = 0; i < model->tensor_count; i++) {
        all += model->tensors[i].bytes;
    }
    for (size_t i = 0; i < model->shard_count; i++) {
        uint64_t bytes = 0;
        for (; next < model->tensor_count && model->tensors[next].shard == i; next++) {
            bytes += model->tensors[next].bytes;
        }
        while (owner + 1 < request->shares && before + bytes / 2 >= end_of_share(all, owner, request->shares)) {
            owner++;
        }
        *first += owner < request->first_share;
        *end += owner < request->first_share + request->own_shares;
        before += bytes;
    }
}

static void share(const clq_model_plan *plan, clq_pieces *pieces, uint32_t parts, int merges)
{
    const uint64_t all = all_bytes(plan, 1);
    uint64_t before = 0;
    uint32_t owner = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        clq_work_piece *piece = &pieces->items[i];
        const clq_model_plan_tensor *tensor = &plan->tensors[piece->tensor];
        const int stays_whole = !merges && has_one_scale(tensor);
        const uint64_t bytes = stays_whole ? tensor->bytes : piece->bytes;
        if (!is_here(plan, piece->tensor)) {
            piece->owner = CLQ_NOBODY;
            continue;
        }
        if (piece->first == 0 || !stays_whole) {
            while (owner + 1 < parts && before + bytes / 2 >= end_of_share(all, owner, parts)) {
                owner++;
            }
            before += bytes;
        }
        piece->owner = owner;
    }
}

uint64_t clq_pieces_for_devices(uint64_t all)
{
    return piece_bytes(all, PIECES_FOR_DEVICES);
}

clq_status clq_pieces_create(const clq_model_plan *plan, uint32_t parts, int merges, clq_pieces **out, clq_error *error)
{
    const uint64_t all = all_bytes(plan, 0); /* so that pieces are the same wherever they are */
    const uint64_t most = parts == 0 ? clq_pieces_for_devices(all) : piece_bytes(all, PIECES_OF_ALL);
    size_t count = 0;
    clq_pieces *pieces = calloc(1, sizeof *pieces);
    *out = pieces;
    for (size_t i = 0; i < plan->count; i++) {
        count += cut(plan, i, most, NULL);
    }
    if (pieces != NULL) {
        pieces->items = malloc((count + 1) * sizeof *pieces->items);
    }
    if (pieces == NULL || pieces->items == NULL) {
        clq_pieces_destroy(out);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu pieces", count);
    }
    for (size_t i = 0; i < plan->count; i++) {
        pieces->count += cut(plan, i, most, &pieces->items[pieces->count]);
    }
    share(plan, pieces, parts, merges);
    return CLQ_OK;
}

void clq_pieces_destroy(clq_pieces **pieces)
{
    if (*pieces != NULL) {
        free((*pieces)->items);
        free(*pieces);
        *pieces = NULL;
    }
}
