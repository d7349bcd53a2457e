/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --check: a device whose transfers and kernels go wrong after their trial. OpenCL calls are wrapped: bits of what is
 * read or written turn, a launch does nothing. Each fault passes where nothing is checked, so that it is the check that
 * finds it. The device has memory of its own here, whatever it is.
 */
#include "checked_files.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clquant/opencl.h>

#include "core/executor.h"
#include "scratch.h"
#include "stream/check_sample.h"

enum { ROWS = 301, COLUMNS = CHECKED_COLUMNS, ELEMENTS = ROWS * COLUMNS };

/* ---- a device that goes wrong ---- */

typedef enum fault {
    NO_FAULT,
    FLIPPED_READ,  /* one bit of the bytes that come back */
    FLIPPED_WRITE, /* one bit of the bytes that go there */
    WRONG_LANE,    /* one byte in 64 of all that comes back in pieces so large that they are codes or reals */
    IDLE_KERNEL    /* a launch does nothing */
} fault;

static struct {
    fault what;
    long from;          /* number of the transfer or launch, from 0 */
    uint64_t byte, bit; /* byte modulo the bytes of the transfer */
    atomic_long reads, writes, launches;
    int makes_codes;
} device;

static void break_device(fault what, long from, uint64_t byte, unsigned bit)
{
    device.what = what;
    device.from = from;
    device.byte = byte;
    device.bit = bit;
    atomic_store(&device.reads, 0);
    atomic_store(&device.writes, 0);
    atomic_store(&device.launches, 0);
}

static void flip(void *memory, size_t bytes)
{
    ((unsigned char *)memory)[device.byte % bytes] ^= (unsigned char)(1u << device.bit);
}

__typeof__(clEnqueueReadBuffer) __real_clEnqueueReadBuffer, __wrap_clEnqueueReadBuffer;
cl_int CL_API_CALL __wrap_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                              size_t bytes, void *target, cl_uint count, const cl_event *events,
                                              cl_event *event)
{
    const cl_int code = __real_clEnqueueReadBuffer(queue, memory, CL_TRUE, offset, bytes, target, count, events, event);
    const long number = atomic_fetch_add(&device.reads, 1);
    (void)blocking;
    if (device.what == FLIPPED_READ && number == device.from && bytes > 0) {
        flip(target, bytes);
    }
    for (size_t i = device.byte; device.what == WRONG_LANE && bytes > 8192 && i < bytes; i += 64) {
        ((unsigned char *)target)[i] ^= 1;
    }
    return code;
}

__typeof__(clEnqueueWriteBuffer) __real_clEnqueueWriteBuffer, __wrap_clEnqueueWriteBuffer;
cl_int CL_API_CALL __wrap_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                                               size_t bytes, const void *source, cl_uint count, const cl_event *events,
                                               cl_event *event)
{
    /* Only the first stage writes so much at once: its writes come in the same order in each run. */
    const long number = bytes > 16384 ? atomic_fetch_add(&device.writes, 1) : -1;
    cl_int code;
    if (device.what != FLIPPED_WRITE || number != device.from || bytes == 0) {
        return __real_clEnqueueWriteBuffer(queue, memory, blocking, offset, bytes, source, count, events, event);
    }
    flip((void *)(uintptr_t)source, bytes);
    code = __real_clEnqueueWriteBuffer(queue, memory, CL_TRUE, offset, bytes, source, count, events, event);
    flip((void *)(uintptr_t)source, bytes);
    return code;
}

__typeof__(clEnqueueNDRangeKernel) __real_clEnqueueNDRangeKernel, __wrap_clEnqueueNDRangeKernel;
cl_int CL_API_CALL __wrap_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                                 const size_t *offset, const size_t *global, const size_t *local,
                                                 cl_uint count, const cl_event *events, cl_event *event)
{
    char name[64] = "";
    long number = -1;
    (void)clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    /* Only those that make the codes, where there are any: ranges of one piece need not show in those of all. */
    if (!device.makes_codes || strstr(name, "quantize") != NULL) {
        number = atomic_fetch_add(&device.launches, 1);
    }
    if (device.what == IDLE_KERNEL && number == device.from) {
        return clEnqueueMarkerWithWaitList(queue, count, events, event);
    }
    return __real_clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, events, event);
}

/* The device under test with memory of its own; NULL when there is none. */
static clq_context *apart(void)
{
    clq_context *context = check_device();
    if (context != NULL) {
        context->device.type = CLQ_DEVICE_GPU;
        context->device.in_process = 0;
    }
    return context;
}

/* ---- files and calls ---- */

static checked_files files; /* F32: "w" [ROWS, COLUMNS]; the same in u4, in groups that divide nothing */

/* With memory for many pieces. */
#define NONE CLQ_OP_COUNT
static const checked_verb VERBS[] = {
    {"quantize, rows", clq_file_quantize, NONE, 1, CLQ_PER_CHANNEL, CLQ_S8, "minmax", CLQ_PRESET_SYMMETRIC},
    {"quantize, all", clq_file_quantize, NONE, 1, CLQ_PER_TENSOR, CLQ_U8, "minmax", CLQ_PRESET_AFFINE},
    {"quantize, groups", clq_file_quantize, NONE, 1, CLQ_PER_GROUP, CLQ_S4, "minmax", CLQ_PRESET_SYMMETRIC},
    {"quantize, percentile", clq_file_quantize, NONE, 1, CLQ_PER_TENSOR, CLQ_S8, "percentile:99", CLQ_PRESET_SYMMETRIC},
    {"dequantize", clq_file_dequantize, NONE, 1, CLQ_PER_TENSOR, CLQ_F16, "minmax", CLQ_PRESET_SYMMETRIC},
    {"minmax", clq_file_minmax, NONE, 1, CLQ_PER_CHANNEL, (clq_dtype)0, "minmax", CLQ_PRESET_SYMMETRIC},
    {"calibrate", clq_file_calibrate, NONE, 1, CLQ_PER_TENSOR, (clq_dtype)0, "minmax", CLQ_PRESET_SYMMETRIC},
    {"calibrate, entropy", clq_file_calibrate, NONE, 1, CLQ_PER_TENSOR, (clq_dtype)0, "entropy", CLQ_PRESET_SYMMETRIC},
};
enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

typedef struct outcome {
    clq_status status;
    clq_error error;
    char *file; /* what is under the output's name afterwards */
    size_t bytes;
    float low, high; /* of minmax, which writes none */
    clq_file_report *report;
} outcome;

static long launches; /* of the last run */

static clq_file_request request_of(const checked_verb *v, clq_file_check check, uint64_t seed)
{
    return checked_files_request(v, &files, check, seed);
}

static outcome run_request(const checked_verb *v, const clq_file_request *request)
{
    static const char BEFORE[] = "what was there before";
    outcome o;
    memset(&o, 0, sizeof o);
    (void)scratch_write("out", BEFORE, sizeof BEFORE);
    device.makes_codes = v->call == clq_file_quantize || v->call == clq_file_dequantize;
    o.status = v->call(apart(), request, NULL, &o.report, &o.error);
    launches = atomic_load(&device.launches);
    break_device(NO_FAULT, 0, 0, 0);
    o.file = scratch_read(files.output, &o.bytes);
    if (o.status != CLQ_OK && (o.bytes != sizeof BEFORE || memcmp(o.file, BEFORE, sizeof BEFORE) != 0)) {
        fail_msg("%s: the output is not what was there before", v->name);
    }
    assert_int_equal(scratch_count(".tmp-") + scratch_count(".partial") + scratch_count(".journal"), 0);
    if (o.report != NULL && o.report->tensor_count > 0) {
        o.low = o.report->tensors[0].range_low;
        o.high = o.report->tensors[0].range_high;
    }
    return o;
}

static outcome run(const checked_verb *v, clq_file_check check, uint64_t seed)
{
    const clq_file_request request = request_of(v, check, seed);
    return run_request(v, &request);
}

static void release(outcome *o)
{
    free(o->file);
    clq_file_report_destroy(&o->report);
}

static int same(const outcome *a, const outcome *b)
{
    return a->bytes == b->bytes && memcmp(a->file, b->file, a->bytes) == 0 && a->low == b->low && a->high == b->high;
}

/* Once for all. Kernels pass their trial, before anything goes wrong. */
static void begin(void)
{
    const checked_verb groups = {"", clq_file_quantize, NONE, 1, CLQ_PER_GROUP, CLQ_U4, "minmax", CLQ_PRESET_SYMMETRIC};
    clq_file_request request = request_of(&groups, CLQ_CHECK_NONE, 0);
    clq_error error;
    if (files.quantized == NULL) {
        files.quantized = request.output = scratch_path("quantized.safetensors");
        check_ok(clq_file_quantize(check_reference(), &request, NULL, NULL, &error), &error, "clq_file_quantize");
        for (size_t i = 0; i < VERB_COUNT && apart() != NULL; i++) {
            outcome o = run(&VERBS[i], CLQ_CHECK_NONE, 0);
            check_ok(o.status, &o.error, VERBS[i].name);
            release(&o);
        }
    }
}

/* A run without a fault, which is what others are compared with. */
static outcome clean_run(const checked_verb *v)
{
    outcome o;
    begin();
    o = run(v, CLQ_CHECK_ALL, 0);
    check_ok(o.status, &o.error, v->name);
    assert_true(o.report->checked_elements >= ELEMENTS || v->call == clq_file_calibrate);
    return o;
}

static void must_differ(const outcome *o, const checked_verb *v, const char *how)
{
    if (o->status != CLQ_MISMATCH || strncmp(o->error.message, "--check: ", 9) != 0) {
        fail_msg("%s, %s: %s, '%s'", v->name, how, clq_status_name(o->status),
                 o->status != CLQ_OK ? o->error.message : "");
    }
}

/* ---- tests ---- */

/* What nobody checks goes into the file; then each way to check finds it. */
static void a_kernel_that_does_nothing_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT && apart() != NULL; i++) {
        const checked_verb *v = &VERBS[i];
        outcome want = clean_run(v);
        const long late = launches * 3 / 4; /* what the slot holds then are results for another piece */
        outcome none, o;
        break_device(IDLE_KERNEL, late, 0, 0);
        none = run(v, CLQ_CHECK_NONE, 0);
        check_ok(none.status, &none.error, v->name);
        /* Ranges of one piece need not show in those of all. */
        assert_true(!same(&none, &want) || v->call == clq_file_minmax || v->call == clq_file_calibrate);
        break_device(IDLE_KERNEL, late, 0, 0);
        o = run(v, CLQ_CHECK_BY_DEVICE, 0);
        must_differ(&o, v, "by device");
        assert_int_equal(o.report->check, CLQ_CHECK_SAMPLE);
        assert_true(o.report->check_seed != 0 && !o.report->is_written);
        release(&o);
        break_device(IDLE_KERNEL, late, 0, 0);
        o = run(v, CLQ_CHECK_ALL, 0);
        must_differ(&o, v, "all");
        release(&o);
        release(&none);
        release(&want);
    }
    check_needs_device();
}

static void one_lane_in_64_is_found_by_every_sample(void **state)
{
    (void)state;
    for (size_t i = 0; i < VERB_COUNT && apart() != NULL; i++) {
        const checked_verb *v = &VERBS[i];
        if ((v->call != clq_file_quantize && v->call != clq_file_dequantize) || strcmp(v->method, "minmax") != 0) {
            continue; /* nothing else comes back in pieces so large */
        }
        begin();
        for (uint64_t seed = 1; seed <= 6; seed++) {
            outcome o;
            break_device(WRONG_LANE, 0, seed * 11 % 64, 0);
            o = run(v, CLQ_CHECK_SAMPLE, seed);
            must_differ(&o, v, "a lane");
            release(&o);
        }
    }
    check_needs_device();
}

/* One bit that turns on the way: where it makes any difference, --check all finds it. Returns whether it did. */
static int flip_a_bit(const checked_verb *v, const outcome *want, fault way, long transfer, uint64_t byte, unsigned bit)
{
    outcome none, all;
    int differs;
    break_device(way, transfer, byte, bit);
    none = run(v, CLQ_CHECK_NONE, 0);
    break_device(way, transfer, byte, bit);
    all = run(v, CLQ_CHECK_ALL, 0);
    differs = none.status == CLQ_OK && !same(&none, want); /* some make what no data has, which needs no check */
    if (differs) {
        must_differ(&all, v, "a bit");
    }
    release(&none);
    release(&all);
    return differs;
}

static void any_bit_is_found_by_all(fault way)
{
    int told = 0;
    for (size_t i = 0; i < VERB_COUNT && apart() != NULL; i++) {
        outcome want = clean_run(&VERBS[i]);
        for (int n = 0; n < 6; n++) {
            const uint64_t byte = check_random() >> 1;
            told += way == FLIPPED_READ
                        ? flip_a_bit(&VERBS[i], &want, way, (long)check_below(6), byte, (unsigned)check_below(8))
                        : flip_a_bit(&VERBS[i], &want, way, n % 3, byte | 3, /* of a real the upper byte */
                                     (unsigned)check_below(7));
        }
        release(&want);
    }
    assert_true(apart() == NULL || told > 0);
    check_needs_device();
}

static void any_bit_read_is_found_by_all(void **state)
{
    (void)state;
    any_bit_is_found_by_all(FLIPPED_READ);
}

static void any_bit_written_is_found_by_all(void **state)
{
    (void)state;
    any_bit_is_found_by_all(FLIPPED_WRITE);
}

/* The line, to the last character: the first codes are those of the second read, after the first ranges. */
static void a_difference_is_told_in_full(void **state)
{
    const checked_verb *v = &VERBS[0];
    (void)state;
    if (apart() != NULL) {
        outcome want = clean_run(v);
        char text[1000];
        int code;
        outcome none, o;
        size_t at = 0;
        break_device(FLIPPED_READ, 1, 5, 0);
        none = run(v, CLQ_CHECK_NONE, 0);
        while (none.file[at] == want.file[at]) {
            at++;
        }
        code = (signed char)want.file[at];
        break_device(FLIPPED_READ, 1, 5, 0);
        o = run(v, CLQ_CHECK_SAMPLE, 77); /* the first elements are looked at in every sample */
        snprintf(text, sizeof text,
                 "--check: %s: tensor 'w': element 5 is %d on %s and %d in the reference; nothing was written (again "
                 "with --check sample --check-seed 77)",
                 files.plain, (signed char)(code ^ 1), check_device()->device.name, code);
        assert_string_equal(o.error.message, text);
        release(&o);
        break_device(FLIPPED_READ, 1, 5, 0);
        o = run(v, CLQ_CHECK_ALL, 0);
        assert_non_null(strstr(o.error.message, "; nothing was written (again with --check all)"));
        release(&o);
        release(&none);
        release(&want);
    }
    check_needs_device();
}

/* What the sample did not show may be wrong too: nothing stays for --resume. */
static void nothing_is_kept_for_another_run(void **state)
{
    const checked_verb *v = &VERBS[0];
    (void)state;
    begin();
    if (apart() != NULL) {
        clq_file_request request = request_of(v, CLQ_CHECK_ALL, 0);
        outcome o;
        request.resume = 1;
        break_device(FLIPPED_READ, 9, 5, 0);
        o = run_request(v, &request);
        must_differ(&o, v, "under --resume");
        assert_false(o.report->is_resumable);
        release(&o);
    }
    check_needs_device();
}

static void the_sample_does_not_depend_on_memory(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < VERB_COUNT; i++) {
        uint64_t elements[2];
        for (int large = 0; large < 2; large++) {
            clq_file_request request = request_of(&VERBS[i], CLQ_CHECK_SAMPLE, 5);
            clq_file_report *report = NULL;
            clq_error error;
            request.memory_bytes <<= large ? 8 : 0;
            check_ok(VERBS[i].call(check_reference(), &request, NULL, &report, &error), &error, VERBS[i].name);
            elements[large] = report->checked_elements;
            assert_int_equal(report->check_seed, 5);
            clq_file_report_destroy(&report);
        }
        assert_int_equal(elements[0], elements[1]);
        assert_in_range(elements[0], ELEMENTS / 200, ELEMENTS / 50);
    }
}

/* Mark the elements that the sample draws of a tensor cut into chunks of `limit` elements. */
static void mark(const clq_layout *layout, uint64_t limit, uint64_t seed, uint8_t *marks)
{
    const clq_check check = {.mode = CLQ_CHECK_SAMPLE, .seed = seed};
    clq_chunker chunker;
    clq_piece piece;
    memset(marks, 0, ELEMENTS);
    memset(&piece, 0, sizeof piece);
    assert_int_equal(clq_chunker_init(&chunker, layout, limit, NULL), CLQ_OK);
    piece.key = clq_check_key("w", 0);
    piece.elements = chunker.elements;
    piece.inner = chunker.inner;
    piece.run = chunker.run;
    while (clq_chunker_next(&chunker, &piece.chunk)) {
        clq_check_spans spans = clq_check_spans_of(&check, &piece);
        clq_check_span span;
        int ends = 0;
        while (clq_check_next_span(&spans, &span)) {
            assert_true(span.count > 0 && span.first + span.count <= piece.chunk.count);
            ends |= (span.first == 0) | (span.first + span.count == piece.chunk.count) << 1;
            for (uint64_t e = 0; span.drawn && e < span.count; e++) {
                marks[piece.chunk.first + span.first + e] = 1;
            }
        }
        assert_int_equal(ends, 3);
    }
}

static void the_sample_does_not_depend_on_cuts(void **state)
{
    static const uint64_t LIMITS[] = {1, 700, 4111, 66000};
    uint8_t *want = check_allocate(ELEMENTS);
    uint8_t *got = check_allocate(ELEMENTS);
    (void)state;
    for (int g = 0; g < 6; g++) {
        clq_layout layout = {.rank = 2, .shape = {ROWS, COLUMNS}, .granularity = (clq_granularity)(g % 3)};
        layout.granularity = g == 5 ? CLQ_PER_BLOCK : layout.granularity;
        layout.group_size = g == 2 || g == 5 ? 33 : 1;
        layout.axis = g == 4;
        for (uint64_t seed = 1; seed < 4; seed++) {
            uint64_t marked = 0;
            mark(&layout, ELEMENTS, seed, want);
            for (uint64_t e = 0; e < ELEMENTS; e++) {
                marked += want[e];
            }
            assert_in_range(marked, ELEMENTS / 200, ELEMENTS / 50);
            for (size_t i = 0; i < sizeof LIMITS / sizeof LIMITS[0]; i++) {
                mark(&layout, LIMITS[i], seed, got);
                assert_memory_equal(got, want, ELEMENTS);
            }
        }
        mark(&layout, ELEMENTS, 1, got);
        assert_true(memcmp(got, want, ELEMENTS) != 0); /* another seed, another sample */
    }
    free(want);
    free(got);
}

static void what_makes_no_sense_is_refused(void **state)
{
    clq_file_request request = request_of(&VERBS[5], (clq_file_check)4, 0);
    clq_error error;
    (void)state;
    assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, NULL, &error), CLQ_INVALID_ARGUMENT);
    assert_string_equal(error.message, "4 is no way to check");
    for (int check = CLQ_CHECK_BY_DEVICE; check <= CLQ_CHECK_ALL; check++) {
        request.check = (clq_file_check)check;
        request.check_seed = 1;
        assert_int_equal(clq_file_minmax(check_reference(), &request, NULL, NULL, &error),
                         check == CLQ_CHECK_SAMPLE ? CLQ_OK : CLQ_INVALID_ARGUMENT);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_kernel_that_does_nothing_is_found),  cmocka_unit_test(one_lane_in_64_is_found_by_every_sample),
    cmocka_unit_test(any_bit_read_is_found_by_all),         cmocka_unit_test(any_bit_written_is_found_by_all),
    cmocka_unit_test(a_difference_is_told_in_full),         cmocka_unit_test(nothing_is_kept_for_another_run),
    cmocka_unit_test(the_sample_does_not_depend_on_memory), cmocka_unit_test(the_sample_does_not_depend_on_cuts),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    files.output = scratch_path("out");
    files.plain = checked_files_write("plain.safetensors", 1, ROWS, check_normal);
    code = check_main("check", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
