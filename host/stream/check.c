/* SPDX-License-Identifier: Apache-2.0 */
/* What clq_check is, and that the host's bytes stay as they were. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "stream/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "core/executor.h"
#include "core/hash.h"
#include "stream/check_sample.h"
#include "stream/check_values.h"

/* Elements of pieces that are computed again whole, before only one piece in WHOLE_ONE_IN is. */
static const uint64_t WHOLE_ELEMENTS = UINT64_C(1) << 20;
static const uint64_t WHOLE_ONE_IN = 128;

/* Another one in each run, and short enough to be typed. */
static uint64_t new_seed(void)
{
    struct timespec now;
    uint64_t ticks[2];
    clock_gettime(CLOCK_REALTIME, &now);
    ticks[0] = (uint64_t)now.tv_sec;
    ticks[1] = (uint64_t)now.tv_nsec;
    return XXH3_64bits(ticks, sizeof ticks) % 999999999 + 1;
}

/* Without native the reference does all. A trial of native takes longer than the sample of a small file. */
static clq_status share_hosts(clq_check *check, clq_check_hosts *hosts, int has_native, clq_error *error)
{
    if (hosts->reference == NULL) {
        CLQ_TRY(clq_context_create("reference", &hosts->reference, error));
    }
    if (has_native && hosts->native == NULL && clq_context_create("native", &hosts->native, NULL) == CLQ_OK) {
        hosts->native->trusts_untried = 1;
    }
    check->reference = hosts->reference;
    check->native = has_native ? hosts->native : NULL;
    return CLQ_OK;
}

void clq_check_hosts_release(clq_check_hosts *hosts)
{
    clq_context_destroy(&hosts->native);
    clq_context_destroy(&hosts->reference);
}

clq_status clq_check_begin(clq_check *check, const clq_file_request *request, const clq_context *context,
                           clq_check_hosts *hosts, clq_error *error)
{
    clq_device_info info;
    clq_context_device(context, &info);
    check->mode = request->check;
    if (check->mode == CLQ_CHECK_BY_DEVICE) {
        check->mode = info.in_process ? CLQ_CHECK_NONE : CLQ_CHECK_SAMPLE;
    }
    if (check->mode == CLQ_CHECK_NONE) {
        return CLQ_OK;
    }
    if (check->mode == CLQ_CHECK_SAMPLE) {
        check->seed = request->check_seed != 0 ? request->check_seed : new_seed();
    }
    check->histogram_bytes = request->memory_bytes / 8;
    snprintf(check->device, sizeof check->device, "%s", info.name);
    CLQ_TRY(share_hosts(check, hosts, info.version[0] != '\0', error)); /* a version: of OpenCL */
    return clq_check_work_create(check, &check->work, error);
}

void clq_check_end(clq_check *check)
{
    clq_check_work_destroy(&check->work);
}

void clq_check_add(clq_check *call, const clq_check *other)
{
    call->mode = other->mode > call->mode ? other->mode : call->mode;
    call->seed = other->seed != 0 ? other->seed : call->seed;
    call->values += other->values;
    call->blocks += other->blocks;
    call->bounded += other->bounded;
    call->pieces += other->pieces;
    if (atomic_load(&other->found)) {
        atomic_store(&call->found, 1);
    }
}

/* ---- bytes that stay as they were ---- */

/* Numbers of the parts. */
enum { COPIED, REAL, FOUND, CHOSEN, CODES };

/* The bytes of elements [first, first + count) in a part: of 4-bit codes whole bytes. */
static const uint8_t *bytes_of(const clq_slot *slot, const clq_piece *piece, size_t part, const clq_check_span *span,
                               size_t *bytes)
{
    const uint64_t element = piece->real_bytes / piece->chunk.count;
    const uint64_t code = clq_dtype_bytes(piece->q.scheme.dtype, 1);
    if (part == CODES && clq_dtype_bits(piece->q.scheme.dtype) == 4) {
        *bytes = (size_t)((span->first + span->count + 1) / 2 - span->first / 2);
        return slot->memory + piece->codes + span->first / 2;
    }
    *bytes = (size_t)(span->count * (part == CODES ? code : element));
    return part == CODES ? slot->memory + piece->codes + span->first * code
                         : slot->memory + piece->real + span->first * element;
}

static uint64_t join(uint64_t hash, uint64_t next)
{
    const uint64_t both[2] = {hash, next};
    return XXH3_64bits(both, sizeof both);
}

/* The sample is nowhere near: its next lines are asked for while the last ones are hashed. */
static void fetch_ahead(const uint8_t *at, size_t bytes)
{
#if defined(__GNUC__)
    enum { LINE = 64, MOST = 1024 };
    for (size_t i = 0; i < bytes && i < MOST; i += LINE) {
        __builtin_prefetch(at + i);
    }
#else
    (void)at;
    (void)bytes;
#endif
}

static uint64_t hash_sample(const clq_check *check, const clq_slot *slot, const clq_piece *piece, size_t part)
{
    clq_check_spans spans = clq_check_spans_of(check, piece);
    clq_check_span span;
    uint64_t hash = 0;
    int there = clq_check_next_span(&spans, &span);
    while (there) {
        size_t bytes = 0;
        size_t next_bytes = 0;
        const uint8_t *at = bytes_of(slot, piece, part, &span, &bytes);
        there = clq_check_next_span(&spans, &span);
        if (there) {
            const uint8_t *next = bytes_of(slot, piece, part, &span, &next_bytes);
            fetch_ahead(next, next_bytes);
        }
        hash = join(hash, XXH3_64bits(at, bytes));
    }
    return hash;
}

static uint64_t hash_whole(const clq_slot *slot, const clq_piece *piece)
{
    return XXH3_64bits(slot->memory + piece->real, (size_t)piece->real_bytes);
}

/* Of scales and zero points all, and so of the elements of a piece that is computed again whole. */
static uint64_t hash_part(const clq_check *check, const clq_slot *slot, const clq_piece *piece, size_t part)
{
    if (part == REAL && piece->is_whole) {
        return hash_whole(slot, piece);
    }
    if (part == CHOSEN) {
        const size_t bytes = (size_t)piece->chunk.parameters * sizeof(float);
        return join(XXH3_64bits(slot->memory + piece->scale, bytes),
                    XXH3_64bits(slot->memory + piece->zero_point, bytes));
    }
    return hash_sample(check, slot, piece, part);
}

/* Nothing but histograms is made of it: only a whole piece is looked at. */
static int is_counted(const clq_piece *piece)
{
    return piece->parts == CLQ_SLOT_REAL;
}

/* Whether there is memory for two times the piece's histograms: --check all is promised, a sample is not. */
static int has_room(const clq_check *check, const clq_piece *piece)
{
    const uint64_t bytes = piece->chunk.parameters * clq_histogram_bins(&piece->q.scheme) * sizeof(uint64_t);
    return bytes <= SIZE_MAX / 2 && (check->mode == CLQ_CHECK_ALL || 2 * bytes <= check->histogram_bytes);
}

/* For ranges and for histograms each the first ones, and some of the others; nothing else is made of whole pieces, and
 * what cannot be compared so is none of them. */
static void draw_whole(clq_check *check, clq_piece *piece)
{
    uint64_t *elements = is_counted(piece) ? &check->whole_counted : &check->whole_found;
    const int is_found = (piece->parts & CLQ_SLOT_FOUND) && !piece->is_given;
    piece->is_whole = (is_counted(piece) ? has_room(check, piece) : is_found) &&
                      (check->mode == CLQ_CHECK_ALL || *elements < WHOLE_ELEMENTS ||
                       clq_check_draw(check, piece, ~piece->chunk.first) % WHOLE_ONE_IN == 0);
    *elements += piece->is_whole ? piece->chunk.count : 0;
}

void clq_check_note(clq_check *check, const clq_slot *slot, clq_piece *piece, unsigned parts)
{
    if (clq_check_is_off(check) || piece->parts == 0) {
        return;
    }
    if (parts & piece->parts & CLQ_SLOT_REAL) {
        draw_whole(check, piece);
    }
    for (size_t part = 0; part < CLQ_SLOT_PARTS && (!is_counted(piece) || piece->is_whole); part++) {
        if (parts & piece->parts & (1u << part)) {
            piece->noted[part] = hash_part(check, slot, piece, part);
        }
    }
}

static clq_status tell_changed(clq_check *check, const clq_piece *piece, const char *what, const clq_check_place *place,
                               clq_error *error)
{
    return clq_check_differ(check, place, error,
                            "%s of elements %" PRIu64 " to %" PRIu64 " came back from %s other than they went there",
                            what, piece->chunk.first, piece->chunk.first + piece->chunk.count - 1, check->device);
}

clq_status clq_check_intact(clq_check *check, const clq_slot *slot, const clq_piece *piece, unsigned parts,
                            const clq_check_place *place, clq_error *error)
{
    static const char *const WHAT[CLQ_SLOT_PARTS] = {"bytes", "bytes", "ranges", "scales or zero points", "codes"};
    if (clq_check_is_off(check) || piece->parts == 0) {
        return CLQ_OK;
    }
    for (size_t part = 0; part < CLQ_SLOT_PARTS; part++) {
        if ((parts & (1u << part)) && piece->noted[part] != hash_part(check, slot, piece, part)) {
            return tell_changed(check, piece, WHAT[part], place, error);
        }
    }
    return CLQ_OK;
}

int clq_check_takes_whole(const clq_check *check, const clq_piece *piece)
{
    return !clq_check_is_off(check) && piece->parts != 0 && piece->is_whole;
}

/* ---- parts that others compute ---- */

clq_status clq_check_values(clq_check *check, const clq_slot *slot, const clq_piece *piece, clq_operation operation,
                            const clq_check_place *place, clq_error *error)
{
    const unsigned given = CLQ_SLOT_CHOSEN | (operation == CLQ_OP_QUANTIZE ? CLQ_SLOT_REAL : CLQ_SLOT_CODES);
    if (clq_check_is_off(check) || piece->parts == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_piece_on_host(piece, CLQ_SLOT_REAL | CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN, error));
    CLQ_TRY(clq_check_intact(check, slot, piece, given, place, error));
    return clq_check_compare_values(check, slot, piece, operation, place, error);
}
