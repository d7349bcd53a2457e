/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operands that share bytes: refused with both names where one of the two is written, within one operation and between
 * the items of a batch, whatever buffers they are told by; accepted where they touch, where both are read, and where
 * fake-quantize writes in place. Matrix products are in test_gemm_arguments.c, scratch memory and a caller's cl_mem in
 * test_opencl.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_case.h"
#include "refusal.h"

enum { CHANNELS = 3, ELEMENTS = 33, SLOT = 262144, ITEMS = 2, PAGE = 4096 };

static const char *const names[CHECK_OPERANDS] = {"x",     "y",         "codes",     "scale", "zero_point",
                                                  "range", "nonfinite", "averaging", "state", "counts"};

/* The same bytes by way of one buffer, or of two over the caller's memory. */
typedef enum way { ONE_BUFFER, TWO_WRAPPED, WAYS } way;

/* All operands of two items in one piece of memory, each in a slot of its own. */
typedef struct arena {
    clq_context *context;
    check_case c;
    clq_buffer *buffers[2];
    void *memory;
    clq_batch_item items[ITEMS];
} arena;

static uint64_t slot_of(size_t item, check_operand operand)
{
    return (item * CHECK_OPERANDS + (uint64_t)operand) * SLOT;
}

static uint64_t bits_of(const arena *a, check_operand operand)
{
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return clq_dtype_bits(a->c.q.real);
    case CHECK_CODES:
        return clq_dtype_bits(a->c.q.scheme.dtype);
    case CHECK_NONFINITE:
        return 8 * sizeof(clq_nonfinite);
    case CHECK_COUNTS:
        return 64;
    default:
        return 32;
    }
}

static clq_operand *operand_of(clq_batch_item *item, check_operand operand)
{
    clq_operands *o = &item->operands;
    clq_operand *const list[CHECK_OPERANDS] = {&o->x,     &o->y,         &o->codes,     &o->scale, &o->zero_point,
                                               &o->range, &o->nonfinite, &o->averaging, &o->state, &o->counts};
    return list[operand];
}

static void place(arena *a, size_t item, check_operand operand, int buffer, uint64_t byte)
{
    *operand_of(&a->items[item], operand) = (clq_operand){a->buffers[buffer], byte * 8 / bits_of(a, operand)};
}

/* The first place of an operand at or behind a byte. */
static uint64_t behind(const arena *a, check_operand operand, uint64_t byte)
{
    const uint64_t step = (bits_of(a, operand) + 7) / 8;
    return (byte + step - 1) / step * step;
}

static void arena_begin(arena *a, clq_context *context, clq_operation operation, way how, int is_narrow)
{
    const uint64_t bytes = ITEMS * CHECK_OPERANDS * (uint64_t)SLOT;
    memset(a, 0, sizeof *a);
    a->context = context;
    check_case_init(&a->c, "overlaps", operation);
    a->c.q.layout.rank = 2;
    a->c.q.layout.shape[0] = CHANNELS;
    a->c.q.layout.shape[1] = ELEMENTS / CHANNELS;
    a->c.q.layout.granularity = CLQ_PER_CHANNEL;
    a->c.q.real = is_narrow ? CLQ_BF16 : CLQ_F32;
    ACCEPTED(clq_scheme_from_preset(CLQ_PRESET_AFFINE, is_narrow ? CLQ_U4 : CLQ_S8, &a->c.q.scheme, e));
    assert_int_equal(posix_memalign(&a->memory, PAGE, bytes), 0);
    memset(a->memory, 0x3E, bytes); /* ordinary floats */
    if (how == TWO_WRAPPED) {
        ACCEPTED(clq_buffer_wrap(context, a->memory, bytes, &a->buffers[0], e));
        ACCEPTED(clq_buffer_wrap(context, a->memory, bytes, &a->buffers[1], e));
    } else {
        ACCEPTED(clq_buffer_create(context, bytes, &a->buffers[0], e));
        ACCEPTED(clq_buffer_write(a->buffers[0], 0, a->memory, bytes, e));
        a->buffers[1] = a->buffers[0];
    }
    for (size_t i = 0; i < ITEMS; i++) {
        a->items[i].q = &a->c.q;
        a->items[i].operands.struct_size = sizeof a->items[i].operands;
        for (int o = 0; o < CHECK_OPERANDS; o++) {
            place(a, i, (check_operand)o, 0, slot_of(i, (check_operand)o));
        }
    }
}

static void arena_end(arena *a)
{
    if (a->buffers[1] != a->buffers[0]) {
        clq_buffer_destroy(&a->buffers[1]);
    }
    clq_buffer_destroy(&a->buffers[0]);
    free(a->memory);
}

/* One call for the first item, or a batch of both. */
static clq_status use(const arena *a, int is_batch, clq_error *error)
{
    clq_batch *batch = NULL;
    clq_status status;
    if (!is_batch) {
        return batch_item_call(a->context, a->c.operation, &a->items[0], error);
    }
    status = clq_batch_create(a->context, a->c.operation, a->items, ITEMS, &batch, error);
    clq_batch_destroy(&batch);
    return status;
}

static void refused(arena *a, int is_batch, check_operand left, check_operand right)
{
    const uint64_t bytes = clq_buffer_bytes(a->buffers[0]);
    unsigned char *before = check_allocate(bytes);
    unsigned char *after = check_allocate(bytes);
    ACCEPTED(clq_buffer_read(a->buffers[0], 0, before, bytes, e));
    REFUSED(CLQ_INVALID_ARGUMENT, " overlap: ", use(a, is_batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, names[left], use(a, is_batch, e));
    REFUSED(CLQ_INVALID_ARGUMENT, names[right], use(a, is_batch, e));
    if (is_batch) {
        char part[40];
        snprintf(part, sizeof part, "%s of item 0", names[left]);
        REFUSED(CLQ_INVALID_ARGUMENT, part, use(a, is_batch, e));
        snprintf(part, sizeof part, "%s of item 1", names[right]);
        REFUSED(CLQ_INVALID_ARGUMENT, part, use(a, is_batch, e));
    }
    ACCEPTED(clq_buffer_read(a->buffers[0], 0, after, bytes, e));
    assert_memory_equal(before, after, bytes);
    free(before);
    free(after);
}

/* The right operand, of the same item or of the other one, on the first byte of the left one, on its last, behind it.
 */
static void check_pair(arena *a, check_operand left, check_operand right, int is_batch)
{
    const size_t item = is_batch ? 1 : 0;
    const uint64_t first = slot_of(0, left);
    const uint64_t end = first + check_operand_bytes(&a->c, left);
    const clq_operation operation = a->c.operation;
    const int is_read = !check_operand_is_output(operation, left) && !check_operand_is_output(operation, right);
    const int is_in_place = operation == CLQ_OP_FAKE_QUANTIZE && !is_batch && left != right &&
                            (left == CHECK_X || left == CHECK_Y) && (right == CHECK_X || right == CHECK_Y);
    const clq_operand good = *operand_of(&a->items[item], right);
    const uint64_t step = behind(a, right, 1);
    for (uint64_t at = first; at < end; at = at + step < end ? (end - 1) / step * step : end) {
        place(a, item, right, 1, at);
        if (is_read || (is_in_place && at == first)) {
            ACCEPTED(use(a, is_batch, e));
        } else {
            refused(a, is_batch, left, right);
        }
    }
    place(a, item, right, 1, behind(a, right, end));
    ACCEPTED(use(a, is_batch, e));
    *operand_of(&a->items[item], right) = good;
}

static void check_pairs(clq_context *context, int is_batch)
{
    for (int k = 0; k < CLQ_OP_COUNT * WAYS * 2; k++) {
        arena a;
        arena_begin(&a, context, (clq_operation)(k / WAYS / 2), (way)(k % WAYS), k / WAYS % 2);
        ACCEPTED(use(&a, is_batch, e));
        for (int left = 0; left < CHECK_OPERANDS; left++) {
            for (int right = 0; right < CHECK_OPERANDS; right++) {
                if ((left != right || is_batch) && check_operand_bytes(&a.c, (check_operand)left) != 0 &&
                    check_operand_bytes(&a.c, (check_operand)right) != 0) {
                    check_pair(&a, (check_operand)left, (check_operand)right, is_batch);
                }
            }
        }
        arena_end(&a);
    }
}

static void in_one_operation(void **state)
{
    (void)state;
    check_pairs(check_reference(), 0);
    if (check_device() != NULL) {
        check_pairs(check_device(), 0);
    }
    check_needs_device();
}

static void between_items(void **state)
{
    (void)state;
    check_pairs(check_reference(), 1);
    if (check_device() != NULL) {
        check_pairs(check_device(), 1);
    }
    check_needs_device();
}

/* What has no element takes up nothing, wherever it is said to be. */
static void without_elements(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        arena a;
        arena_begin(&a, turn == 0 ? check_reference() : check_device(), CLQ_OP_QUANTIZE, ONE_BUFFER, 0);
        a.c.q.layout.shape[1] = 0;
        place(&a, 0, CHECK_X, 0, slot_of(0, CHECK_SCALE));
        place(&a, 0, CHECK_CODES, 0, slot_of(0, CHECK_SCALE) + 4);
        ACCEPTED(use(&a, 0, e));
        place(&a, 1, CHECK_CODES, 0, slot_of(0, CHECK_ZERO_POINT) + 4);
        ACCEPTED(use(&a, 1, e));
        arena_end(&a);
    }
    check_needs_device();
}

/* A copy has two operands as well. */
static void copies(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2 && (turn == 0 || check_device() != NULL); turn++) {
        for (int how = 0; how < WAYS; how++) {
            arena a;
            arena_begin(&a, turn == 0 ? check_reference() : check_device(), CLQ_OP_MINMAX, (way)how, 0);
            REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_buffer_copy(a.buffers[0], 0, a.buffers[1], 31, 32, e));
            REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_buffer_copy(a.buffers[0], 31, a.buffers[1], 0, 32, e));
            REFUSED(CLQ_INVALID_ARGUMENT, "overlap", clq_buffer_copy(a.buffers[0], 7, a.buffers[1], 7, 1, e));
            ACCEPTED(clq_buffer_copy(a.buffers[0], 0, a.buffers[1], 32, 32, e));
            ACCEPTED(clq_buffer_copy(a.buffers[0], 7, a.buffers[1], 7, 0, e));
            ACCEPTED(clq_finish(a.context, e));
            arena_end(&a);
        }
    }
    check_needs_device();
}

/* ---- many items ---- */

enum { MANY = 40 };

typedef struct part {
    size_t item;
    int is_written;
    uint64_t first, end;
} part;

/* Tensors of up to 12 elements thrown into memory; in every other batch the inputs lie together at its start. */
static size_t throw_items(clq_batch_item *items, clq_quantization *q, clq_buffer *buffer, uint64_t room, part *parts)
{
    size_t count = 0;
    const int apart = check_chance(2);
    for (size_t i = 0; i < MANY; i++) {
        const uint64_t elements = check_below(13);
        const uint64_t begin = apart ? room / 8 : 0;
        const uint64_t x = check_below(room / 4 / (apart ? 8 : 1) - 12);
        const uint64_t range = (begin + check_below(room - begin - 8)) / 8 * 8;
        const uint64_t nonfinite = (begin + check_below(room - begin - 16) + 15) / 16 * 16;
        clq_quantization_init(&q[i]);
        q[i].layout.rank = 1;
        q[i].layout.shape[0] = elements;
        memset(&items[i], 0, sizeof items[i]);
        items[i].q = &q[i];
        items[i].operands.struct_size = sizeof items[i].operands;
        items[i].operands.x = (clq_operand){buffer, x};
        items[i].operands.range = (clq_operand){buffer, range / 4};
        items[i].operands.nonfinite = (clq_operand){buffer, nonfinite / 16};
        parts[count++] = (part){i, 0, 4 * x, 4 * (x + elements)};
        parts[count++] = (part){i, 1, range, range + 8};
        parts[count++] = (part){i, 1, nonfinite, nonfinite + 16};
    }
    return count;
}

/* Every part with every other one. */
static int any_conflict(const part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            const uint64_t first = parts[i].first > parts[k].first ? parts[i].first : parts[k].first;
            const uint64_t end = parts[i].end < parts[k].end ? parts[i].end : parts[k].end;
            if (first < end && (parts[i].is_written || parts[k].is_written)) {
                return 1;
            }
        }
    }
    return 0;
}

static void many_items(void **state)
{
    int found[2] = {0, 0};
    (void)state;
    for (int turn = 0; turn < 4000; turn++) {
        static const uint64_t rooms[] = {20000, 100000, 400000};
        const uint64_t room = rooms[turn % 3];
        clq_batch_item items[MANY];
        clq_quantization q[MANY];
        part parts[3 * MANY];
        clq_buffer *buffer = NULL;
        clq_batch *batch = NULL;
        int conflict;
        ACCEPTED(clq_buffer_create(check_reference(), room + 16, &buffer, e));
        conflict = any_conflict(parts, throw_items(items, q, buffer, room, parts));
        found[conflict]++;
        if (conflict) {
            REFUSED(CLQ_INVALID_ARGUMENT,
                    " overlap: ", clq_batch_create(check_reference(), CLQ_OP_MINMAX, items, MANY, &batch, e));
        } else {
            ACCEPTED(clq_batch_create(check_reference(), CLQ_OP_MINMAX, items, MANY, &batch, e));
        }
        clq_batch_destroy(&batch);
        clq_buffer_destroy(&buffer);
    }
    assert_true(found[0] > 100 && found[1] > 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_one_operation), cmocka_unit_test(between_items), cmocka_unit_test(without_elements),
    cmocka_unit_test(copies),           cmocka_unit_test(many_items),
};

CHECK_MAIN("overlaps", tests)
