/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler of pieces: every pass is cut into pieces that follow one another to its end, and the two sides of a
 * pass are cut at the same places and stand in the same slot, whatever their layouts.
 */
#include <string.h>

#include "check.h"
#include "stream/schedule.h"

enum { CAPACITY = 1 << 17, PIECE_WORK = 1, PIECE_COPY = 2 };

typedef struct source {
    const clq_pass *passes;
    size_t count, next;
    uint64_t read; /* pieces */
} source;

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    source *from = cookie;
    (void)error;
    *there = from->next < from->count;
    if (*there) {
        *pass = from->passes[from->next++];
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    source *from = cookie;
    (void)slot;
    (void)error;
    assert_true(piece->parts != 0 && piece->chunk.count > 0);
    from->read += 1;
    return CLQ_OK;
}

/* Run all passes through one slot, and check what was said above. Returns the number of cuts. */
static uint64_t run(const clq_pass *passes, size_t count)
{
    source from = {passes, count, 0, 0};
    clq_schedule schedule = {.cookie = &from, .capacity_bytes = CAPACITY, .next = next_pass, .read = read_piece};
    clq_slot slot;
    clq_error error;
    uint64_t cuts = 0;
    uint64_t pieces = 0;
    uint64_t at = passes[0].first;
    size_t pass = 0;
    int filled = 1;
    check_ok(clq_slot_init(&slot, NULL, CAPACITY, &error), &error, "clq_slot_init");
    for (;;) {
        check_ok(clq_schedule_fill(&schedule, &slot, &filled, &error), &error, "clq_schedule_fill");
        if (!filled) {
            break;
        }
        for (size_t i = 0; i < slot.count; i += passes[pass].sides, pass += slot.pieces[i - 1].last != 0) {
            const size_t sides = passes[pass].sides;
            assert_true(i + sides <= slot.count);
            for (size_t side = 0; side < sides; side++) {
                const clq_piece *piece = &slot.pieces[i + side];
                assert_true(piece->side == side && piece->tensor == passes[pass].tensor);
                assert_true(piece->chunk.first == at && piece->chunk.count == slot.pieces[i].chunk.count);
                assert_true(piece->last == slot.pieces[i].last && piece->kind == passes[pass].side[side].kind);
                assert_true(piece->real_bytes == piece->chunk.count * passes[pass].side[side].element_bytes);
                if (piece->parts == CLQ_SLOT_REAL) {
                    uint64_t elements = 0;
                    uint64_t parameters = 0;
                    check_ok(clq_layout_count(&piece->q.layout, &elements, &parameters, &error), &error, "layout");
                    assert_true(elements == piece->chunk.count && parameters == piece->chunk.parameters);
                }
                pieces += piece->parts != 0;
            }
            cuts += 1;
            at += slot.pieces[i].chunk.count;
            if (slot.pieces[i].last) {
                assert_true(passes[pass].count == 0 || at == passes[pass].first + passes[pass].count);
                at = pass + 1 < count ? passes[pass + 1].first : 0;
            }
        }
    }
    assert_true(pass == count && at == 0 && from.read == pieces);
    clq_slot_release(&slot);
    return cuts;
}

static clq_schedule_side work(clq_granularity granularity, uint32_t axis, uint64_t group, uint64_t rows,
                              uint64_t columns)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 2;
    q.layout.shape[0] = rows;
    q.layout.shape[1] = columns;
    q.layout.granularity = granularity;
    q.layout.axis = axis;
    q.layout.group_size = group;
    return clq_schedule_work(PIECE_WORK, CLQ_SLOT_REAL, &q);
}

static void sides_are_cut_at_the_same_places(void **state)
{
    static const uint64_t SHAPES[][2] = {{300, 1000}, {2, 100001}, {3, 70000}, {40000, 7}, {1, 1}, {9, 13}, {0, 5}};
    (void)state;
    for (size_t s = 0; s < sizeof SHAPES / sizeof SHAPES[0]; s++) {
        const uint64_t rows = SHAPES[s][0];
        const uint64_t columns = SHAPES[s][1];
        const clq_schedule_side forms[] = {
            work(CLQ_PER_TENSOR, 0, 0, rows, columns),        work(CLQ_PER_CHANNEL, 0, 0, rows, columns),
            work(CLQ_PER_CHANNEL, 1, 0, rows, columns),       work(CLQ_PER_GROUP, 0, 96, rows, columns),
            work(CLQ_PER_GROUP, 0, 127, rows, columns),       work(CLQ_PER_GROUP, 0, 33333, rows, columns),
            work(CLQ_PER_BLOCK, 0, 32, rows, columns),        clq_schedule_copy(PIECE_COPY, rows * columns, 8),
            clq_schedule_copy(PIECE_COPY, rows * columns, 2),
        };
        enum { FORMS = sizeof forms / sizeof forms[0] };
        for (size_t a = 0; a < FORMS; a++) {
            for (size_t b = 0; b < FORMS; b++) {
                const clq_pass passes[] = {{5, 0, 2, {forms[a], forms[b]}, 0, 0},
                                           {6, 0, 1, {forms[b]}, 0, 0},
                                           {7, 0, 2, {forms[b], forms[a]}, 0, 0}};
                (void)run(passes, sizeof passes / sizeof passes[0]);
            }
        }
    }
}

/* A cut that fits both is found, not just any: rows of channels are rows of groups. */
static void cuts_stay_large(void **state)
{
    const clq_pass pass = {0, 0, 2, {work(CLQ_PER_CHANNEL, 0, 0, 1000, 1000), work(CLQ_PER_GROUP, 0, 127, 1000, 1000)},
                           0, 0};
    (void)state;
    assert_true(run(&pass, 1) <= 1000 / (CAPACITY / 2 / 6 / 1000));
}

/* Passes over some of the elements go over these, and pieces tell where they are in the whole. */
static void a_pass_may_be_a_window(void **state)
{
    static const uint64_t ENDS[] = {0, 4096, 8192, 69632, 100352, 300 * 1000};
    const clq_schedule_side forms[] = {
        work(CLQ_PER_TENSOR, 0, 0, 300, 1000),  work(CLQ_PER_CHANNEL, 0, 0, 300, 1000),
        work(CLQ_PER_CHANNEL, 1, 0, 300, 1000), work(CLQ_PER_GROUP, 0, 127, 300, 1000),
        work(CLQ_PER_BLOCK, 0, 32, 300, 1000),  clq_schedule_copy(PIECE_COPY, 300 * 1000, 4),
    };
    enum { FORMS = sizeof forms / sizeof forms[0], WINDOWS = sizeof ENDS / sizeof ENDS[0] - 1 };
    (void)state;
    for (size_t f = 0; f < FORMS; f++) {
        clq_pass passes[WINDOWS];
        for (size_t i = 0; i < WINDOWS; i++) {
            const uint64_t count = i + 1 == WINDOWS && f % 2 == 0 ? 0 : ENDS[i + 1] - ENDS[i];
            passes[i] = (clq_pass){i, 0, 1, {forms[f]}, ENDS[i], count};
        }
        (void)run(passes, WINDOWS);
    }
}

/* Many small tensors of two sides fill slots to the last place, never half a pair. */
static void pairs_stay_together(void **state)
{
    static clq_pass passes[3000];
    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        passes[i].tensor = i;
        passes[i].sides = 1 + i % 3 % 2;
        passes[i].side[0] = clq_schedule_copy(PIECE_COPY, i % 7, 4);
        passes[i].side[1] = work(CLQ_PER_CHANNEL, 0, 0, 1, i % 7);
    }
    assert_true(run(passes, 3000) == 3000);
}

/* Histograms that no memory is given for are not compared: the pieces that are take their place. */
static void what_cannot_be_compared_takes_no_place(void **state)
{
    const clq_pass passes[] = {{0, 0, 1, {work(CLQ_PER_CHANNEL, 1, 0, 300, 5000)}, 0, 0},
                               {1, 0, 1, {work(CLQ_PER_TENSOR, 0, 0, 300, 3000)}, 0, 0}};
    source from = {passes, 2, 0, 0};
    clq_check check = {.mode = CLQ_CHECK_SAMPLE, .seed = 1, .histogram_bytes = 1 << 20};
    clq_schedule schedule = {.cookie = &from, .capacity_bytes = CAPACITY, .next = next_pass, .read = read_piece};
    clq_slot slot;
    clq_error error;
    int filled = 1;
    (void)state;
    check_ok(clq_slot_init(&slot, NULL, CAPACITY, &error), &error, "clq_slot_init");
    memset(slot.memory, 0, CAPACITY);
    while (filled) {
        check_ok(clq_schedule_fill(&schedule, &slot, &filled, &error), &error, "clq_schedule_fill");
        for (size_t i = 0; i < slot.count && filled; i++) {
            clq_check_note(&check, &slot, &slot.pieces[i], CLQ_SLOT_REAL);
            assert_int_equal(clq_check_takes_whole(&check, &slot.pieces[i]), slot.pieces[i].tensor == 1);
        }
    }
    clq_slot_release(&slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_are_cut_at_the_same_places),
        cmocka_unit_test(a_pass_may_be_a_window),
        cmocka_unit_test(cuts_stay_large),
        cmocka_unit_test(pairs_stay_together),
        cmocka_unit_test(what_cannot_be_compared_takes_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
