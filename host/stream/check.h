/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device computed, computed again and compared (clq_file_check): a random part, or all of it. Of a device of
 * OpenCL native computes first, in a twentieth of the time; what differs, what native cannot do, and a little of all
 * are the reference's, which decides: of values one unit in 256 and of whole pieces one in 16, and a stretch of each,
 * drawn like the sample. So native is not tried before, and what both get wrong alike is found by that little.
 *
 * The sample is drawn from the seed and the tensor's name, element by element of the whole tensor, so that neither
 * slots nor threads nor the device move it. Of each 32768 elements it takes 192 in a row, and 16 on either side of an
 * end of a channel or group, and of the tensor; so whatever goes wrong for one in 192 neighbours, or for 65536 elements
 * in a row, is found for certain, and a single element once in 170 runs. Besides, 16 elements at either end of each
 * piece are taken, and not counted, since the memory decides where these are. Ranges and histograms are made of what
 * all elements say, so there whole pieces are computed again: the first million elements, and then one piece in 128;
 * and no element of the sample may lie outside the range that was found for it.
 *
 * What the host hands to the device is noted before, and looked at again afterwards: bytes that came back changed are a
 * difference too, so what is compared is what the file holds.
 *
 * What the first stage read it notes, what was chosen the stage that computes, which calls _ranges and _histograms too;
 * _values is of the stage that comes then, _blocks of the one that writes. So no field has two writers.
 */
#ifndef CLQ_HOST_STREAM_CHECK_H
#define CLQ_HOST_STREAM_CHECK_H

#include <stdatomic.h>

#include <clquant/files.h>

#include "format/words.h"
#include "stream/slot.h"

struct clq_check_work;

/* What computes again, for all devices of a call: native has threads, of which one set is enough. NULL: not made yet.
 */
typedef struct clq_check_hosts {
    clq_context *reference, *native;
} clq_check_hosts;

void clq_check_hosts_release(clq_check_hosts *hosts);

typedef struct clq_check {
    clq_file_check mode; /* CLQ_CHECK_BY_DEVICE: not begun, and nothing is checked */
    uint64_t seed;
    int writes; /* there is something that a difference keeps from being written */
    char device[128];
    clq_context *reference;      /* the call's, and so is native */
    clq_context *native;         /* computes first; NULL where that is what is checked, or could not be made */
    struct clq_check_work *work; /* of clq_check_values */
    /* Compared: elements by _values, by _blocks, and by _ranges, and whole pieces. */
    uint64_t values, blocks, bounded, pieces;
    /* Elements of pieces that are to be computed again whole, for ranges and for histograms, kept by _note. */
    uint64_t whole_found, whole_counted;
    uint64_t histogram_bytes; /* most to hold of a piece's histograms, of a sample */
    atomic_int found;         /* a difference */
} clq_check;

/* Where a piece is from, for messages. */
typedef struct clq_check_place {
    const char *path, *name;
} clq_check_place;

/* `context` computes; what the request says, or the device if it says nothing. `hosts` outlive the check. */
clq_status clq_check_begin(clq_check *check, const clq_file_request *request, const clq_context *context,
                           clq_check_hosts *hosts, clq_error *error);
void clq_check_end(clq_check *check);

/* Another device's check of the same call: what it compared and found counts for the call too. */
void clq_check_add(clq_check *call, const clq_check *other);

/* What the sample of a tensor depends on besides the seed; `batch` tells apart tensors of one name. */
uint64_t clq_check_key(const char *name, uint64_t batch);

/* The host has filled in these parts of the piece, which no device has seen yet. `check` NULL: nothing is noted. */
void clq_check_note(clq_check *check, const clq_slot *slot, clq_piece *piece, unsigned parts);

/* These parts are as they were noted. All functions from here on: CLQ_MISMATCH where they are not. */
clq_status clq_check_intact(clq_check *check, const clq_slot *slot, const clq_piece *piece, unsigned parts,
                            const clq_check_place *place, clq_error *error);

/* Ranges and the count of non-finite elements, as clq_minmax left them. */
clq_status clq_check_ranges(clq_check *check, const clq_slot *slot, const clq_piece *piece,
                            const clq_check_place *place, clq_error *error);

/* What CLQ_OP_QUANTIZE or CLQ_OP_DEQUANTIZE made of the piece. */
clq_status clq_check_values(clq_check *check, const clq_slot *slot, const clq_piece *piece, clq_operation operation,
                            const clq_check_place *place, clq_error *error);

/* Blocks of a piece as they are about to be written (core/block.h): `count` of them at `bytes`, from its `first` on. */
typedef struct clq_check_run {
    clq_block_type block;
    uint64_t first, count;
    const uint8_t *bytes;
} clq_check_run;

/* They mean the codes and scales that the reference makes of the piece's elements, which the host still has. */
clq_status clq_check_blocks(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_check_run *run,
                            const clq_check_place *place, clq_error *error);

/* Codes in words, as they are about to be written at `bytes`: those of the piece at run->at, which _values compared. */
clq_status clq_check_words(clq_check *check, const clq_slot *slot, const clq_piece *piece, const clq_word_run *run,
                           const uint8_t *bytes, const clq_check_place *place, clq_error *error);

/* ---- for histograms ---- */

/* Whether the piece is computed again as a whole. */
int clq_check_takes_whole(const clq_check *check, const clq_piece *piece);

/* The histograms of the piece's parameters, `before` it and `after` it, whose ranges are `ranges`; both are written
 * over. */
clq_status clq_check_histograms(clq_check *check, const clq_slot *slot, const clq_piece *piece, const float *ranges,
                                uint64_t *before, uint64_t *after, const clq_check_place *place, clq_error *error);

/* All histograms of a tensor together count `counted` elements, and `finite` there are. */
clq_status clq_check_total(clq_check *check, uint64_t counted, uint64_t finite, const clq_check_place *place,
                           clq_error *error);

#endif
