/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled programs as bytes: what one context exported another one uses, without a folder or beside one; whatever is
 * wrong with them is refused, or compiled and compared anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/tune.h>

#include "core/archive.h"
#include "core/hash.h"
#include "failing_opencl.h"
#include "fallible_product.h"
#include "opencl/runtime/context.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 640, LARGE = 8192, HEADER = 40, ROW = 64 };

/* ---- memory of the library's own, by the linker's names ---- */

static int countdown;      /* number of the call that fails; 0: none */
static size_t counted = 1; /* calls for fewer bytes do not count */

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);

static int fails(size_t bytes)
{
    return countdown > 0 && bytes >= counted && --countdown == 0;
}

void *__wrap_malloc(size_t bytes)
{
    return fails(bytes) ? NULL : __real_malloc(bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return fails(bytes) ? NULL : __real_realloc(memory, bytes);
}

/* ---- calls of OpenCL ---- */

/* Number `number` of the calls of `function` (NULL: of all) that quantizing makes fails; 0: none. */
static struct {
    int number;
    const char *function;
    char failed[64]; /* the one that did */
} armed;

/* ---- contexts ---- */

typedef struct outcome {
    int built, compared, warnings;
    uint64_t taken;
} outcome;

typedef struct blob {
    unsigned char *data;
    uint64_t bytes;
} blob;

static void note(void *cookie, clq_log_level level, const char *message)
{
    outcome *o = cookie;
    o->built += strncmp(message, "built ", 6) == 0;
    o->compared += strncmp(message, "comparing ", 10) == 0;
    o->warnings += level == CLQ_LOG_WARNING;
}

/* The codes are right, or a call for memory is made to fail: number `failing` of those for LARGE bytes or more; 0:
 * none.
 */
static clq_status quantize_without(clq_context *context, int failing, clq_error *error)
{
    clq_status status;
    const float scale = 0.25f;
    const int32_t zero_point = 3;
    float x[ELEMENTS];
    int8_t codes[ELEMENTS];
    const uint64_t bytes[4] = {sizeof x, 4, 4, sizeof codes};
    const void *values[3] = {x, &scale, &zero_point};
    clq_operand on[4];
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i % 200 - 90) * 0.25f;
    }
    for (int i = 0; i < 4; i++) {
        on[i].offset = 0;
        ACCEPTED(clq_buffer_create(context, bytes[i], &on[i].buffer, e));
        if (i < 3) {
            ACCEPTED(clq_buffer_write(on[i].buffer, 0, values[i], bytes[i], e));
        }
    }
    counted = LARGE;
    countdown = failing;
    failing_opencl_fail(armed.number, armed.function, CL_OUT_OF_RESOURCES);
    status = clq_quantize(context, &q, on[0], on[1], on[2], on[3], error);
    snprintf(armed.failed, sizeof armed.failed, "%s", failing_opencl_failed());
    failing_opencl_fail(0, NULL, CL_SUCCESS);
    armed.number = 0;
    counted = 1;
    if (status == CLQ_OK) {
        ACCEPTED(clq_buffer_read(on[3].buffer, 0, codes, sizeof codes, e));
        for (int i = 0; i < ELEMENTS; i++) {
            assert_int_equal(codes[i], i % 200 - 87);
        }
    }
    for (int i = 0; i < 4; i++) {
        clq_buffer_destroy(&on[i].buffer);
    }
    return status;
}

static void quantize(clq_context *context)
{
    ACCEPTED(quantize_without(context, 0, e));
}

/* Memory of exactly these bytes, so that an allocator that watches sees a read beyond them. */
static blob export_programs(clq_context *context)
{
    blob b = {NULL, 0};
    uint64_t again = 0;
    ACCEPTED(clq_context_export_programs(context, NULL, 0, &b.bytes, e));
    b.data = check_allocate(b.bytes);
    memset(b.data, 0x5A, (size_t)b.bytes);
    REFUSED(CLQ_INVALID_ARGUMENT, "are needed", clq_context_export_programs(context, b.data, b.bytes - 1, &again, e));
    assert_true(again == b.bytes && b.data[0] == 0x5A);
    ACCEPTED(clq_context_export_programs(context, b.data, b.bytes, &again, e));
    assert_true(again == b.bytes);
    return b;
}

/* In a new context, as of a new process: with bytes that were exported, in that folder, and exporting anew; NULL: not.
 */
static outcome quantize_with(const blob *in, const char *directory, blob *out)
{
    outcome o = {0, 0, 0, 0};
    clq_context *context = NULL;
    ACCEPTED(clq_context_create(fallible_device(), &context, e));
    clq_context_set_log(context, note, &o);
    if (directory != NULL) {
        ACCEPTED(clq_context_set_cache(context, directory, e));
    }
    if (out != NULL) {
        ACCEPTED(clq_context_keep_programs(context, e));
    }
    if (in != NULL) {
        ACCEPTED(clq_context_add_programs(context, in->data, in->bytes, &o.taken, e));
    }
    quantize(context);
    if (out != NULL) {
        *out = export_programs(context);
    }
    clq_context_destroy(&context);
    return o;
}

static void check_outcome(outcome o, int built, int compared, int warnings, int line)
{
    if (o.built != built || o.compared != compared || o.warnings != warnings) {
        fail_msg("line %d: %d built, %d compared, %d warnings, expected %d, %d and %d", line, o.built, o.compared,
                 o.warnings, built, compared, warnings);
    }
}

#define EXPECT(built, compared, warnings, o) check_outcome(o, built, compared, warnings, __LINE__)

/* ---- what is right ---- */

static void exported_programs_serve_another_context(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob first, second;
        outcome o = quantize_with(NULL, NULL, &first);
        EXPECT(1, 1, 0, o);
        o = quantize_with(&first, NULL, NULL);
        EXPECT(0, 0, 0, o);
        assert_int_equal(o.taken, 2); /* the program and its verdict */
        EXPECT(1, 1, 0, quantize_with(NULL, NULL, NULL));
        EXPECT(0, 0, 0, quantize_with(&first, NULL, &second)); /* and are exported once more */
        assert_true(second.bytes == first.bytes);
        EXPECT(0, 0, 0, quantize_with(&second, NULL, NULL));
        free(first.data);
        free(second.data);
    }
    check_needs_device();
}

/* Of an engine that computes on two devices in one cl_context. */
static void cl_context_of_several_devices(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b;
        failing_opencl_neighbour((cl_device_id)&b);
        EXPECT(1, 1, 0, quantize_with(NULL, NULL, &b));
        EXPECT(0, 0, 0, quantize_with(&b, NULL, NULL));
        failing_opencl_neighbour(NULL);
        EXPECT(0, 0, 0, quantize_with(&b, NULL, NULL)); /* the binary is the device's, whoever else is there */
        free(b.data);
    }
    check_needs_device();
}

/* Mapped files begin at a page; others may begin anywhere. */
static void bytes_may_begin_anywhere(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b, moved;
        (void)quantize_with(NULL, NULL, &b);
        for (uint64_t by = 1; by < 8; by += 2) {
            unsigned char *memory = check_allocate(b.bytes + by);
            memcpy(memory + by, b.data, (size_t)b.bytes);
            moved = (blob){memory + by, b.bytes};
            EXPECT(0, 0, 0, quantize_with(&moved, NULL, NULL));
            free(memory);
        }
        free(b.data);
    }
    check_needs_device();
}

/* What the folder has is exported too, and what bytes bring is not written to it. */
static void folder_and_bytes_serve_side_by_side(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const char *directory = scratch_path("beside");
        blob b;
        EXPECT(1, 1, 0, quantize_with(NULL, directory, NULL));
        EXPECT(0, 0, 0, quantize_with(NULL, directory, &b));
        EXPECT(0, 0, 0, quantize_with(&b, NULL, NULL));
        EXPECT(0, 0, 0, quantize_with(&b, scratch_path("empty"), NULL));
        EXPECT(1, 1, 0, quantize_with(NULL, scratch_path("empty"), NULL));
        for (uint64_t i = HEADER + 2 * ROW; i < b.bytes; i++) { /* all entries */
            b.data[i] ^= 1;
        }
        EXPECT(0, 0, 0, quantize_with(&b, directory, NULL));
        free(b.data);
    }
    check_needs_device();
}

static void tuned_values_go_along(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_context *contexts[2] = {NULL, NULL};
        clq_tuned_value table[CLQ_TUNE_COUNT], again[CLQ_TUNE_COUNT];
        char where[200] = "";
        uint64_t taken = 0;
        blob b;
        for (int i = 0; i < 2; i++) {
            ACCEPTED(clq_context_create(fallible_device(), &contexts[i], e));
        }
        ACCEPTED(clq_tuning_present(contexts[0], table, e));
        table[0].is_tuned = 1;
        REFUSED(CLQ_IO_ERROR, "there is no folder", clq_tuning_store(contexts[0], table, NULL, 0, e));
        ACCEPTED(clq_context_keep_programs(contexts[0], e));
        ACCEPTED(clq_tuning_store(contexts[0], table, where, sizeof where, e));
        assert_non_null(strstr(where, "memory"));
        b = export_programs(contexts[0]);
        ACCEPTED(clq_context_add_programs(contexts[1], b.data, b.bytes, &taken, e));
        assert_int_equal(taken, 1);
        ACCEPTED(clq_tuning_present(contexts[1], again, e));
        assert_memory_equal(again, table, sizeof table);
        clq_context_destroy(&contexts[0]);
        clq_context_destroy(&contexts[1]);
        free(b.data);
    }
    check_needs_device();
}

static void nothing_compiled_is_nothing_exported(clq_context *context)
{
    uint64_t taken = 1;
    blob b;
    ACCEPTED(clq_context_keep_programs(context, e));
    b = export_programs(context);
    assert_int_equal(b.bytes, HEADER);
    ACCEPTED(clq_context_add_programs(context, b.data, b.bytes, &taken, e));
    assert_int_equal(taken, 0);
    ACCEPTED(clq_context_add_programs(context, b.data, b.bytes, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "39 bytes", clq_context_add_programs(context, b.data, b.bytes - 1, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_add_programs(context, NULL, 0, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_export_programs(context, NULL, 1, &b.bytes, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_export_programs(context, b.data, b.bytes, NULL, e));
    free(b.data);
}

static void arguments(void **state)
{
    clq_context *context = NULL;
    uint64_t bytes = 0;
    (void)state;
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_keep_programs(NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_add_programs(NULL, &bytes, 8, NULL, e));
    REFUSED(CLQ_INVALID_ARGUMENT, "NULL", clq_context_export_programs(NULL, NULL, 0, &bytes, e));
    nothing_compiled_is_nothing_exported(check_reference());
    ACCEPTED(clq_context_create("native", &context, e));
    nothing_compiled_is_nothing_exported(context);
    clq_context_destroy(&context);
    if (check_device() != NULL) {
        ACCEPTED(clq_context_create(fallible_device(), &context, e));
        nothing_compiled_is_nothing_exported(context);
        clq_context_destroy(&context);
    }
    check_needs_device();
}

/* ---- what is stale ---- */

/* The bytes of each entry's key are behind its magic and its length: "library 0.1.0\n...". */
static void other_versions_are_passed_over(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b, left;
        outcome o;
        int changed = 0;
        (void)quantize_with(NULL, NULL, &b);
        for (uint64_t i = 0; i + 9 < b.bytes; i++) {
            if (memcmp(b.data + i, "library ", 8) == 0) {
                b.data[i + 8] ^= 1;
                changed++;
            }
        }
        assert_int_equal(changed, 2);
        o = quantize_with(&b, NULL, &left);
        EXPECT(1, 1, 0, o);
        assert_int_equal(o.taken, 0);
        assert_true(left.bytes == b.bytes); /* its own alone */
        EXPECT(0, 0, 0, quantize_with(&left, NULL, NULL));
        free(b.data);
        free(left.data);
    }
    check_needs_device();
}

static void verdict_is_of_the_binary_that_was_tried(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b;
        (void)quantize_with(NULL, NULL, &b);
        failing_opencl_change_binaries("quantize");
        EXPECT(0, 1, 0, quantize_with(&b, NULL, NULL));
        failing_opencl_change_binaries(NULL);
        EXPECT(0, 0, 0, quantize_with(&b, NULL, NULL));
        free(b.data);
    }
    check_needs_device();
}

/* What is built in their place is tried in this process and the next, and kept in place of what was refused. */
static void refused_binaries_are_compiled_and_tried_again(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob refused, next, last;
        failing_opencl_replace_binaries("no program at all");
        EXPECT(1, 1, 0, quantize_with(NULL, NULL, &refused));
        failing_opencl_replace_binaries(NULL);
        EXPECT(1, 1, 0, quantize_with(&refused, NULL, NULL));
        EXPECT(1, 1, 0, quantize_with(&refused, NULL, &next));
        EXPECT(0, 1, 0, quantize_with(&next, NULL, &last));
        EXPECT(0, 0, 0, quantize_with(&last, NULL, NULL));
        /* With a folder they are compiled once: then its binary serves. */
        EXPECT(1, 1, 0, quantize_with(&refused, scratch_path("refused"), NULL));
        EXPECT(0, 1, 0, quantize_with(&refused, scratch_path("refused"), NULL));
        EXPECT(0, 0, 0, quantize_with(&refused, scratch_path("refused"), NULL));
        free(refused.data);
        free(next.data);
        free(last.data);
    }
    check_needs_device();
}

/* One that was found wrong is not exported. */
static void verdict_that_fell_is_not_exported(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b, fallen;
        outcome o;
        (void)quantize_with(NULL, NULL, &b);
        failing_opencl_change_binaries("quantize");
        failing_opencl_corrupt_reads(1);
        o = quantize_with(&b, NULL, &fallen); /* whatever serves in its place is right */
        assert_true(o.compared >= 1 && o.warnings >= 1);
        failing_opencl_change_binaries(NULL);
        failing_opencl_corrupt_reads(0);
        o = quantize_with(&fallen, NULL, NULL);
        assert_int_equal(o.compared, 1);
        free(b.data);
        free(fallen.data);
    }
    check_needs_device();
}

/* ---- what is damaged ---- */

/* The hash that a table has, so that it is read on. */
static void sign(blob *b)
{
    uint64_t count, hash;
    memcpy(&count, b->data + 16, sizeof count);
    if (count > (b->bytes - HEADER) / ROW) {
        return;
    }
    hash = XXH3_64bits_withSeed(b->data + HEADER, (size_t)(count * ROW), XXH3_64bits(b->data, 32));
    memcpy(b->data + 32, &hash, sizeof hash);
}

static void refuse(clq_context *context, const blob *b, clq_status status, const char *part)
{
    uint64_t taken = 1;
    REFUSED(status, part, clq_context_add_programs(context, b->data, b->bytes, &taken, e));
    assert_int_equal(taken, 0);
}

/* Each member of header and table by itself; the rest of the file is as it should be. */
static void header_and_table_are_checked(void **state)
{
    static const struct {
        size_t at;
        uint64_t value;
        const char *part;
        int is_signed;
    } members[] = {
        {0, 1, "are none", 1},
        {16, 4, "entries was changed", 1}, /* the count */
        {16, UINT64_MAX, "entries was changed", 1},
        {16, UINT64_C(1) << 58, "entries was changed", 1}, /* times 64 is 0 */
        {24, 1, "the header says 1 bytes", 1},
        {24, UINT64_MAX, "the header says", 1},
        {32, 1, "was changed", 0}, /* the hash */
        {HEADER, 0, "entry 0 has no name", 1},
        {HEADER + 48, 0, "entry 0", 1}, /* in the header */
        {HEADER + 48, HEADER, "entry 0", 1},
        {HEADER + 48, HEADER + ROW + 1, "entry 0", 1}, /* ends beyond the last byte */
        {HEADER + 48, UINT64_MAX, "entry 0", 1},
        {HEADER + 56, UINT64_MAX, "entry 0", 1}, /* and with the first byte wraps */
        {HEADER + 56, 101, "entry 0", 1},
        {HEADER + 48, HEADER + ROW + 2, "was changed", 0},
    };
    clq_archive_item item = {.name = "a.program", .bytes = 100};
    unsigned char data[100];
    uint64_t count = 0;
    blob b = {NULL, clq_archive_bytes(1, sizeof data)};
    (void)state;
    memset(data, 7, sizeof data);
    item.data = data;
    b.data = check_allocate(b.bytes);
    clq_archive_write(b.data, &item, 1);
    ACCEPTED(clq_archive_check(b.data, b.bytes, &count, e));
    assert_true(count == 1 && b.bytes == HEADER + ROW + sizeof data);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        clq_archive_write(b.data, &item, 1);
        memcpy(b.data + members[i].at, &members[i].value, 8);
        if (members[i].is_signed) {
            sign(&b);
        }
        refuse(check_reference(), &b, CLQ_INVALID_ARGUMENT, members[i].part);
    }
    clq_archive_write(b.data, &item, 1);
    memset(b.data + HEADER, 'x', CLQ_ARCHIVE_NAME); /* a name without an end */
    sign(&b);
    refuse(check_reference(), &b, CLQ_INVALID_ARGUMENT, "entry 0");
    clq_archive_write(b.data, &item, 1);
    b.data[8] = 2;
    sign(&b);
    refuse(check_reference(), &b, CLQ_UNSUPPORTED, "have version 2");
    free(b.data);
}

/* Bytes of strangers: whatever passes lies within them. */
static void hostile_bytes_stay_within_their_bounds(void **state)
{
    static const uint64_t edges[] = {0, 1, HEADER, ROW, UINT64_MAX, UINT64_MAX - 63, UINT64_C(1) << 63, 1u << 31};
    int passed = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        unsigned char data[64] = {0};
        clq_archive_item items[3];
        const uint64_t wanted = check_below(4);
        uint64_t count = 0;
        uint64_t sum = 0;
        blob b;
        for (uint64_t i = 0; i < wanted; i++) {
            snprintf(items[i].name, sizeof items[i].name, "%d.program", (int)check_below(3));
            items[i].data = data;
            items[i].bytes = check_below(sizeof data);
            sum += items[i].bytes;
        }
        b.bytes = clq_archive_bytes(wanted, sum);
        b.data = check_allocate(b.bytes);
        clq_archive_write(b.data, items, wanted);
        for (uint64_t changes = check_below(4); changes > 0; changes--) {
            const uint64_t at = check_below(b.bytes / 8) * 8;
            if (check_chance(2)) {
                memcpy(b.data + at, &edges[check_below(sizeof edges / sizeof edges[0])], 8);
            } else {
                b.data[check_below(b.bytes)] ^= (unsigned char)(1u << check_below(8));
            }
        }
        if (!check_chance(4)) {
            const uint64_t magic = UINT64_C(0x53474F5250514C43);
            memcpy(b.data, &magic, sizeof magic);
            memcpy(b.data + 24, &b.bytes, sizeof b.bytes);
            sign(&b);
        }
        b.bytes -= check_chance(8) ? check_below(b.bytes) : 0;
        if (clq_archive_check(b.data, b.bytes, &count, NULL) == CLQ_OK) {
            for (uint64_t i = 0; i < count; i++) {
                const clq_archive_item item = clq_archive_item_at(b.data, i);
                assert_true(strlen(item.name) > 0 && strlen(item.name) < sizeof item.name);
                assert_true(item.data >= b.data + HEADER + count * ROW);
                assert_true(item.bytes <= (uint64_t)(b.data + b.bytes - item.data));
            }
            passed++;
        }
        free(b.data);
    }
    assert_in_range(passed, 2000, 18000);
}

/* Accidents in what was exported: refused as a whole, or the entry is a miss. The codes are right. */
static void damaged_bytes_are_compiled_anew(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob good, bad;
        (void)quantize_with(NULL, NULL, &good);
        bad.data = check_allocate(good.bytes);
        for (int round = 0; round < 24; round++) {
            clq_context *context = NULL;
            uint64_t taken = 0;
            outcome o;
            uint64_t at = round < 8 ? check_below(HEADER + 2 * ROW) : check_below(good.bytes);
            memcpy(bad.data, good.data, (size_t)good.bytes);
            bad.bytes = good.bytes - (round % 8 == 7 ? 1 + check_below(good.bytes - 1) : 0);
            at = at < bad.bytes ? at : bad.bytes - 1;
            bad.data[at] ^= (unsigned char)(1u << check_below(8));
            ACCEPTED(clq_context_create(fallible_device(), &context, e));
            if (at < HEADER + 2 * ROW || bad.bytes < good.bytes) {
                assert_true(clq_context_add_programs(context, bad.data, bad.bytes, &taken, NULL) != CLQ_OK);
                assert_int_equal(taken, 0);
            } else {
                o = quantize_with(&bad, NULL, NULL);
                assert_true(o.built + o.compared >= 1 && o.warnings == 0);
            }
            clq_context_destroy(&context);
        }
        free(good.data);
        free(bad.data);
    }
    check_needs_device();
}

/* An entry that claims a key as long as it likes. */
static void hostile_entries_are_misses(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        blob b;
        (void)quantize_with(NULL, NULL, &b);
        for (int round = 0; round < 6; round++) {
            static const uint64_t lengths[6] = {UINT64_MAX, UINT64_MAX - 40, 0, 1, 1u << 20, UINT64_C(1) << 63};
            blob bad = {check_allocate(b.bytes), b.bytes};
            memcpy(bad.data, b.data, (size_t)b.bytes);
            for (uint64_t i = 0; i + 24 < b.bytes; i++) {
                if (memcmp(bad.data + i, "clquant cache 2\n", 16) == 0) {
                    memcpy(bad.data + i + 16, &lengths[round], 8);
                }
            }
            EXPECT(1, 1, 0, quantize_with(&bad, NULL, NULL));
            free(bad.data);
        }
        free(b.data);
    }
    check_needs_device();
}

/* ---- what lacks memory ---- */

static void memory_for_the_list_runs_out(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        clq_context *context = NULL;
        blob b;
        clq_error error;
        clq_status status = CLQ_OUT_OF_MEMORY;
        int failures = 0;
        (void)quantize_with(NULL, NULL, &b);
        ACCEPTED(clq_context_create(fallible_device(), &context, e));
        while (status != CLQ_OK) { /* ends: one more call succeeds each time */
            countdown = ++failures;
            status = clq_context_add_programs(context, b.data, b.bytes, NULL, &error);
            assert_true(status == CLQ_OK || (status == CLQ_OUT_OF_MEMORY && strstr(error.message, "programs") != NULL));
            countdown = 0;
        }
        assert_in_range(failures, 3, 8); /* the keys' beginning and the list at least */
        quantize(context);
        clq_context_destroy(&context);
        free(b.data);
    }
    check_needs_device();
}

/* The operation is refused, or goes on without what could not be kept, and that is told. */
static void memory_for_what_is_kept_runs_out(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        int refused = 0;
        int untold = 0;
        int told = 0;
        for (int number = 1, is_through = 0; !is_through; number++) {
            clq_context *context = NULL;
            outcome o = {0, 0, 0, 0};
            clq_status status;
            blob kept;
            clq_error error;
            ACCEPTED(clq_context_create(fallible_device(), &context, e));
            clq_context_set_log(context, note, &o);
            ACCEPTED(clq_context_keep_programs(context, e));
            status = quantize_without(context, number, &error);
            is_through = countdown > 0;
            countdown = 0;
            assert_true(status == CLQ_OK || status == CLQ_OUT_OF_MEMORY);
            if (status != CLQ_OK) {
                refused++;
                quantize(context);
            } else if (!is_through) {
                told += o.warnings;
                untold += o.warnings == 0;
            }
            kept = export_programs(context);
            o = quantize_with(&kept, NULL, NULL);
            assert_true(o.warnings == 0 && o.built + o.compared <= 2);
            assert_true(!is_through || o.built + o.compared == 0);
            free(kept.data);
            clq_context_destroy(&context);
        }
        assert_int_equal(told, 1);       /* the copy */
        assert_in_range(untold, 1, 2);   /* the binary as the driver gives it */
        assert_in_range(refused, 1, 40); /* more where the host serves in the end */
    }
    check_needs_device();
}

/* ---- calls that fail ---- */

/* A program that was taken is loaded, or one compiled and kept: the call that failed is named, or the codes are right;
 * the context goes on, and what it exports serves others. Returns whether one failed. */
static int quantize_with_failing_call(const blob *in, const char *function, int number)
{
    const int references = failing_opencl_references();
    clq_context *context = NULL;
    outcome o = {0, 0, 0, 0};
    clq_status status;
    clq_error error;
    blob kept;
    int failed;
    ACCEPTED(clq_context_create(fallible_device(), &context, e));
    ACCEPTED(clq_context_keep_programs(context, e));
    if (in != NULL) {
        ACCEPTED(clq_context_add_programs(context, in->data, in->bytes, NULL, e));
    }
    armed.number = number;
    armed.function = function;
    status = quantize_without(context, 0, &error);
    failed = armed.failed[0] != '\0';
    if (status != CLQ_OK && (!failed || status != CLQ_DEVICE_ERROR || strcmp(error.opencl_call, armed.failed) != 0)) {
        fail_msg("call %d, %s: %s, '%s'", number, armed.failed, clq_status_name(status), error.message);
    }
    quantize(context);
    kept = export_programs(context);
    clq_context_destroy(&context);
    assert_int_equal(failing_opencl_references(), references);
    o = quantize_with(&kept, NULL, NULL);
    assert_true(o.warnings == 0 && o.built + o.compared <= 2);
    assert_true(failed || o.built + o.compared == 0);
    free(kept.data);
    return failed;
}

static void calls_fail(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        static const char *const functions[] = {NULL, "clCreateProgramWithBinary", "clGetProgramInfo",
                                                "clBuildProgram"};
        blob b;
        int number = 1;
        (void)quantize_with(NULL, NULL, &b);
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
            for (number = 1; quantize_with_failing_call(&b, functions[f], number); number++) {
            }
            assert_true(number > (f == 0 ? 6 : 1));
        }
        for (number = 1; quantize_with_failing_call(NULL, "clGetProgramInfo", number); number++) {
        }
        assert_true(number > 2); /* the binary's length and its bytes */
        free(b.data);
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(arguments),
    cmocka_unit_test(exported_programs_serve_another_context),
    cmocka_unit_test(cl_context_of_several_devices),
    cmocka_unit_test(bytes_may_begin_anywhere),
    cmocka_unit_test(folder_and_bytes_serve_side_by_side),
    cmocka_unit_test(tuned_values_go_along),
    cmocka_unit_test(other_versions_are_passed_over),
    cmocka_unit_test(verdict_is_of_the_binary_that_was_tried),
    cmocka_unit_test(refused_binaries_are_compiled_and_tried_again),
    cmocka_unit_test(verdict_that_fell_is_not_exported),
    cmocka_unit_test(header_and_table_are_checked),
    cmocka_unit_test(hostile_bytes_stay_within_their_bounds),
    cmocka_unit_test(damaged_bytes_are_compiled_anew),
    cmocka_unit_test(hostile_entries_are_misses),
    cmocka_unit_test(memory_for_the_list_runs_out),
    cmocka_unit_test(memory_for_what_is_kept_runs_out),
    cmocka_unit_test(calls_fail),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("programs", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
