/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the work of one output is shared by several runs: a model is cut into pieces, and each piece has an owner. Both
 * follow from the plan alone, which headers and options decide, so that every run that makes the plan makes the same
 * pieces; and the pieces are the same however many share them.
 *
 * A piece is a tensor, or whole rows of a large one whose rows have parameters of their own (channels of the first
 * axis, and groups along the last) or none (a single scale, of which the ranges of all pieces are merged). A tensor of
 * channels of another axis is one piece, and so is one with a single scale whose histogram --calibrate needs. Cuts lie
 * at multiples of 32 rows, where bytes and words of packed codes and zero points end whatever their width.
 *
 * Owners take pieces in the order of the file, each the same share of its bytes: a run reads and writes one stretch, of
 * few shards, and none is further from its share than half a piece at either end. Where they cannot tell each other
 * what they find, all pieces with one scale are one owner's.
 */
#ifndef CLQ_HOST_MODEL_PIECES_H
#define CLQ_HOST_MODEL_PIECES_H

#include "model/plan.h"

/* Most runs that may share an output. */
enum { CLQ_MOST_PARTS = 65536 };

/* Rows between which tensors may be cut. */
enum { CLQ_PIECE_ROWS = 32 };

typedef struct clq_work_piece {
    size_t tensor;         /* of the plan */
    uint64_t first, count; /* its elements; bytes of a tensor that is copied */
    uint64_t bytes;        /* of the input */
    uint32_t owner;        /* from 0; CLQ_NOBODY */
} clq_work_piece;

typedef struct clq_pieces {
    clq_work_piece *items; /* in the order of the plan's tensors, each from its start to its end */
    size_t count;
} clq_pieces;

/* Of a piece that is in none of the shards that are written here. */
#define CLQ_NOBODY UINT32_MAX

/* The shards that the request's shares are: [*first, *end). */
void clq_shards_of_share(const clq_file_request *request, const clq_model *model, size_t *first, size_t *end);

/* Rows of a tensor that may be cut between them, and the elements of each; 0: it may not be cut. */
uint64_t clq_piece_rows(const clq_model_plan_tensor *tensor, uint64_t *row);

/* Most bytes of a piece, of so many in all, that the devices of one run share. */
uint64_t clq_pieces_for_devices(uint64_t all_bytes);

/*
 * The pieces of all tensors, shared by `parts` runs; 0: by the devices of one run. `merges`: runs tell each other the
 * ranges that they find, so that pieces with one scale may have several owners. Time and memory grow with the number of
 * tensors and pieces.
 */
clq_status clq_pieces_create(const clq_model_plan *plan, uint32_t parts, int merges, clq_pieces **pieces,
                             clq_error *error);
void clq_pieces_destroy(clq_pieces **pieces);

#endif
