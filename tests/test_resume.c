/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize --resume: a run that dies at any moment is continued to the same bytes and the same report as one that never
 * died, and what is not its own continuation is refused.
 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "format/journal.h"
#include "gguf_file.h"
#include "killed_run.h"
#include "scratch.h"
#include "written_model.h"

static uint64_t seed;

/* ---- inputs ---- */

static const written_tensor FIRST[] = {
    {"a.weight", "F32", 33, 64}, {"a.bias", "F32", 0, 33},  {"b.weight", "BF16", 16, 31},
    {"count", "I64", 0, 1},      {"c.weight", "F32", 5, 3},
};
static const written_tensor SECOND[] = {
    {"d.weight", "F16", 7, 40},
    {"e.weight", "F32", 1, 1},
    {"empty", "F32", 0, 0},
    {"f.weight", "F32", 129, 3},
};

static int make_inputs(void **state)
{
    static const char INDEX[] =
        "{\"weight_map\": {\"a.weight\": \"in-1.safetensors\", \"a.bias\": \"in-1.safetensors\", "
        "\"b.weight\": \"in-1.safetensors\", \"count\": \"in-1.safetensors\", \"c.weight\": \"in-1.safetensors\", "
        "\"d.weight\": \"in-2.safetensors\", \"e.weight\": \"in-2.safetensors\", \"empty\": \"in-2.safetensors\", "
        "\"f.weight\": \"in-2.safetensors\"}}";
    const char *text = getenv("CLQ_TEST_SEED");
    seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "resume: CLQ_TEST_SEED=%" PRIu64 "\n", seed);
    scratch_begin(state);
    written_model("in-1.safetensors", FIRST, sizeof FIRST / sizeof FIRST[0], &seed);
    written_model("in-2.safetensors", SECOND, sizeof SECOND / sizeof SECOND[0], &seed);
    scratch_write("in.safetensors.index.json", INDEX, sizeof INDEX - 1);
    gguf_file_write("in.gguf",
                    "r:GGUF w3 q4 q1 s:general.file_type w4 w0 s:a.weight w2 q64 q3 w0 q0 s:a.bias w1 q5 w0 q768 "
                    "s:output.weight w2 q32 q7 w1 q800 s:b.weight w3 q32 q3 q2 w30 q1248 @32 d768 d20 @32 d448 d384",
                    &seed);
    return 0;
}

/* ---- runs ---- */

/* What is quantized, how, and to what. */
typedef struct job {
    const char *in, *out;
    const char *options[8];
} job;

static const job PLAIN = {"in-1.safetensors", "q.safetensors", {"--json"}};
static const job JOBS[] = {
    {"in-1.safetensors", "q.safetensors", {"--json"}},
    /* Zero points that are found before the header is known. */
    {"in-1.safetensors", "q.safetensors", {"--json", "--preset", "affine-u8", "--granularity", "tensor"}},
    /* Bytes that two chunks share. */
    {"in-1.safetensors", "q.safetensors", {"--dtype", "s4", "--granularity", "group", "--group-size", "3"}},
    {"in.safetensors.index.json", "q.safetensors.index.json", {"--json"}},
    {"in.safetensors.index.json", "q.safetensors", {"--verbose"}},
    /* A pass over the data that counts, between finding and writing. */
    {"in-1.safetensors", "q.safetensors", {"--json", "--calibrate", "mse"}},
    /* Blocks of both types: by the device, and by the host. */
    {"in.gguf", "q.gguf", {"--json", "--dtype", "q4_0"}},
    /* Bands, and bytes that two of them share. */
    {"in-1.safetensors",
     "q.safetensors",
     {"--dtype", "s4", "--granularity", "group", "--group-size", "3", "--axis", "0"}},
};

/* Files that a job writes. */
static size_t outputs(const job *what, const char *names[3])
{
    if (strstr(what->out, "index") == NULL) {
        names[0] = what->out;
        return 1;
    }
    names[0] = "q.safetensors.index.json";
    names[1] = "q-00001-of-00002.safetensors";
    names[2] = "q-00002-of-00002.safetensors";
    return 3;
}

/* `more`: further arguments, up to two. */
static int start(const job *what, killed_run run, const char *more, const char *still_more)
{
    const char *arguments[KILLED_RUN_ARGUMENTS] = {
        "quantize", scratch_path(what->in), "-o", scratch_path(what->out), "--device", "reference"};
    size_t count = 6;
    for (size_t i = 0; i < sizeof what->options / sizeof what->options[0] && what->options[i] != NULL; i++) {
        arguments[count++] = what->options[i];
    }
    if (more != NULL) {
        arguments[count++] = more;
    }
    if (still_more != NULL) {
        arguments[count++] = still_more;
    }
    if (run.out == NULL) {
        run.out = scratch_path("stdout");
    }
    if (run.err == NULL) {
        run.err = scratch_path("stderr");
    }
    return killed_run_start(&run, arguments);
}

static int run_with(const job *what, const char *more, const char *still_more)
{
    const killed_run run = {0};
    return start(what, run, more, still_more);
}

static void remove_outputs(const job *what)
{
    static const char *const KINDS[] = {"", ".partial", ".journal"};
    const char *names[3];
    const size_t count = outputs(what, names);
    for (size_t i = 0; i < count; i++) {
        char name[100];
        for (size_t k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "%s%s%s", k > 0 ? "." : "", names[i], KINDS[k]);
            unlink(scratch_path(name));
        }
    }
}

static void nothing_is_left(void)
{
    assert_int_equal(scratch_count(".partial"), 0);
    assert_int_equal(scratch_count(".journal"), 0);
    assert_int_equal(scratch_count(".tmp-"), 0);
}

static char *read_text(const char *name)
{
    size_t length = 0;
    char *text = scratch_read(scratch_path(name), &length);
    assert_non_null(text);
    return text;
}

/* The report, without the times in it. */
static char *read_report(const char *name)
{
    char *text = read_text(name);
    char *seconds = strstr(text, "\"seconds\": ");
    if (seconds == NULL) {
        seconds = strstr(text, "), ") != NULL ? strstr(strstr(text, "ratio"), "), ") : NULL;
    }
    if (seconds != NULL) {
        for (char *c = seconds; *c != '\n' && *c != '\0'; c++) {
            *c = '#';
        }
        *seconds = '\0';
    }
    return text;
}

static void print_stderr(void)
{
    char *text = read_text("stderr");
    fprintf(stderr, "%s", text);
    free(text);
}

/* The files and the report of an undisturbed run. */
typedef struct expected {
    size_t count;
    const char *names[3];
    char *bytes[3];
    size_t lengths[3];
    char *report;
} expected;

static expected expect(const job *what)
{
    expected want;
    remove_outputs(what);
    if (run_with(what, NULL, NULL) != 0) {
        print_stderr();
        fail_msg("an undisturbed run failed");
    }
    nothing_is_left();
    want.count = outputs(what, want.names);
    for (size_t i = 0; i < want.count; i++) {
        want.bytes[i] = scratch_read(scratch_path(want.names[i]), &want.lengths[i]);
        assert_non_null(want.bytes[i]);
    }
    want.report = read_report("stdout");
    remove_outputs(what);
    return want;
}

static void free_expected(expected *want)
{
    for (size_t i = 0; i < want->count; i++) {
        free(want->bytes[i]);
    }
    free(want->report);
}

static void assert_outputs(const expected *want, const char *where, long point)
{
    for (size_t i = 0; i < want->count; i++) {
        size_t length = 0;
        char *got = scratch_read(scratch_path(want->names[i]), &length);
        if (got == NULL || length != want->lengths[i] || memcmp(got, want->bytes[i], length) != 0) {
            fail_msg("%s, call %ld: %s is not what an undisturbed run writes", where, point, want->names[i]);
        }
        free(got);
    }
    nothing_is_left();
}

static void assert_report(const expected *want, const char *where, long point)
{
    char *got = read_report("stdout");
    if (strcmp(got, want->report) != 0) {
        fail_msg("%s, call %ld: the report is not that of an undisturbed run:\n%s\nbut\n%s", where, point, got,
                 want->report);
    }
    free(got);
}

/* ---- tests ---- */

/* Killed before each call that changes a file, and continued. */
/* Of every so manyth death; the jobs, which do much the same at the same call, take different ones. */
static long first_point(size_t number)
{
    return 1 + (long)number % check_stride();
}

static void continues_from_every_call(void **state)
{
    (void)state;
    for (size_t j = 0; j < sizeof JOBS / sizeof JOBS[0]; j++) {
        expected want = expect(&JOBS[j]);
        long point = first_point(j);
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += check_stride()) {
            killed_run run = {.die_before = point};
            code = start(&JOBS[j], run, NULL, NULL);
            if (code == KILLED_RUN_DIED) {
                const int resumed = run_with(&JOBS[j], "--resume", NULL);
                if (resumed != 0) {
                    print_stderr();
                    fail_msg("job %zu, call %ld: exit code %d", j, point, resumed);
                }
                assert_report(&want, "continued", point);
            } else {
                assert_int_equal(code, 0);
            }
            assert_outputs(&want, "continued", point);
            remove_outputs(&JOBS[j]);
        }
        /* There is a call for every tensor, and more. */
        assert_true(point > 20);
        free_expected(&want);
    }
}

/* The run that continues dies too, and so on; it ends, since it never falls behind for long. */
static void continues_after_many_deaths(void **state)
{
    (void)state;
    for (size_t j = 0; j < sizeof JOBS / sizeof JOBS[0]; j++) {
        expected want = expect(&JOBS[j]);
        int code = KILLED_RUN_DIED;
        for (int deaths = 0; code == KILLED_RUN_DIED; deaths++) {
            killed_run run = {.die_before = 5 + (long)(scratch_random(&seed) % 25), .racing = deaths % 2};
            assert_true(deaths < 1000);
            code = start(&JOBS[j], run, "--resume", NULL);
        }
        assert_int_equal(code, 0);
        assert_report(&want, "many deaths", 0);
        assert_outputs(&want, "many deaths", 0);
        remove_outputs(&JOBS[j]);
        free_expected(&want);
    }
}

/* The machine stops: what was not flushed may be zeros or not there. */
static void continues_after_a_loss_of_power(void **state)
{
    (void)state;
    for (size_t j = 0; j < sizeof JOBS / sizeof JOBS[0]; j++) {
        expected want = expect(&JOBS[j]);
        long point = first_point(j);
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += check_stride()) {
            killed_run run = {.die_before = point, .power_loss = 1, .seed = scratch_random(&seed)};
            code = start(&JOBS[j], run, NULL, NULL);
            if (code == KILLED_RUN_DIED) {
                const int placed = access(scratch_path(JOBS[j].out), F_OK) == 0;
                const int resumed = run_with(&JOBS[j], "--resume", NULL);
                /* A finished file whose journal is gone: there is nothing to continue. */
                if (resumed != 0 && !(resumed == 2 && placed)) {
                    print_stderr();
                    fail_msg("job %zu, call %ld: exit code %d", j, point, resumed);
                }
            }
            assert_outputs(&want, "after a loss of power", point);
            remove_outputs(&JOBS[j]);
        }
        free_expected(&want);
    }
}

static void continues_after_a_kill_at_any_time(void **state)
{
    expected want = expect(&JOBS[3]);
    (void)state;
    for (int i = 0; i < 20; i++) {
        killed_run run = {.kill_after = 1e-6 * (double)(1 + scratch_random(&seed) % 8000), .racing = i % 2};
        const int code = start(&JOBS[3], run, NULL, NULL);
        if (code == KILLED_RUN_DIED) {
            const int resumed = run_with(&JOBS[3], "--resume", "--force");
            if (resumed != 0) {
                print_stderr();
                fail_msg("kill %d: exit code %d", i, resumed);
            }
        }
        assert_outputs(&want, "killed", i);
        remove_outputs(&JOBS[3]);
    }
    free_expected(&want);
}

/* With nothing to continue, --resume changes nothing. */
static void runs_when_nothing_is_left(void **state)
{
    expected want = expect(&PLAIN);
    (void)state;
    assert_int_equal(run_with(&PLAIN, "--resume", NULL), 0);
    assert_report(&want, "nothing left", 0);
    assert_outputs(&want, "nothing left", 0);
    assert_int_equal(run_with(&PLAIN, "--resume", NULL), 2);
    assert_int_equal(run_with(&PLAIN, "--resume", "--force"), 0);
    assert_outputs(&want, "nothing left", 0);
    remove_outputs(&PLAIN);
    free_expected(&want);
}

static const char JOURNAL[] = ".q.safetensors.journal";
static const char PARTIAL[] = ".q.safetensors.partial";

/* Leave an unfinished run of PLAIN with at least `tensors` in its journal. */
static void leave_unfinished(size_t tensors)
{
    for (long point = 1; point < 1000; point++) {
        killed_run run = {.die_before = point};
        char *text = NULL;
        size_t count = 0;
        size_t length = 0;
        remove_outputs(&PLAIN);
        assert_int_equal(start(&PLAIN, run, NULL, NULL), KILLED_RUN_DIED);
        text = scratch_read(scratch_path(JOURNAL), &length);
        for (const char *at = text; at != NULL && (at = strstr(at, "\ntensor ")) != NULL; at++) {
            count++;
        }
        assert_true(text == NULL || strstr(text, "complete") == NULL);
        free(text);
        if (count >= tensors) {
            return;
        }
    }
    fail_msg("there is no such moment");
}

typedef struct file_copy {
    char *bytes;
    size_t length;
} file_copy;

static file_copy take_copy(const char *name)
{
    file_copy copy = {NULL, 0};
    copy.bytes = scratch_read(scratch_path(name), &copy.length);
    assert_non_null(copy.bytes);
    return copy;
}

static void put_back(const char *name, const file_copy *copy)
{
    scratch_write(name, copy->bytes, copy->length);
}

static void assert_untouched(const char *name, const file_copy *copy)
{
    file_copy now = take_copy(name);
    assert_int_equal(now.length, copy->length);
    assert_memory_equal(now.bytes, copy->bytes, now.length);
    free(now.bytes);
}

/* A run is refused, and what was left is as it was. */
static void refused(const job *what, killed_run run, const char *more, const char *still_more, int code,
                    const char *message)
{
    file_copy journal = take_copy(JOURNAL);
    const int there = access(scratch_path(PARTIAL), F_OK) == 0;
    file_copy partial = there ? take_copy(PARTIAL) : (file_copy){NULL, 0};
    const int got = start(what, run, more, still_more);
    char *text = read_text("stderr");
    if (got != code || strstr(text, message) == NULL) {
        fail_msg("exit code %d (expected %d), '%s', expected '%s'", got, code, text, message);
    }
    free(text);
    assert_untouched(JOURNAL, &journal);
    if (there) {
        assert_untouched(PARTIAL, &partial);
    } else {
        assert_int_equal(access(scratch_path(PARTIAL), F_OK), -1);
    }
    assert_int_equal(scratch_count(".tmp-"), 0);
    free(journal.bytes);
    free(partial.bytes);
}

static void finish_and_compare(const expected *want)
{
    const int code = run_with(&PLAIN, "--resume", NULL);
    if (code != 0) {
        print_stderr();
        fail_msg("exit code %d", code);
    }
    assert_report(want, "finished", 0);
    assert_outputs(want, "finished", 0);
    remove_outputs(&PLAIN);
}

static void refuses_to_begin_over_it_unless_told(void **state)
{
    expected want = expect(&PLAIN);
    (void)state;
    leave_unfinished(2);
    refused(&PLAIN, (killed_run){0}, NULL, NULL, 2, "of its tensors were finished; --resume continues it, --force ");
    assert_int_equal(run_with(&PLAIN, "--force", NULL), 0);
    assert_outputs(&want, "begun anew", 0);
    remove_outputs(&PLAIN);
    /* One that had finished nothing is no loss. */
    assert_int_equal(start(&PLAIN, (killed_run){.die_before = 6}, NULL, NULL), KILLED_RUN_DIED);
    assert_int_equal(scratch_count(".journal"), 1);
    assert_int_equal(run_with(&PLAIN, NULL, NULL), 0);
    assert_outputs(&want, "begun anew", 0);
    remove_outputs(&PLAIN);
    /* Shards of an earlier run that this one does not have go with it. */
    assert_int_equal(start(&JOBS[3], (killed_run){.die_before = 30}, NULL, NULL), KILLED_RUN_DIED);
    assert_true(scratch_count(".partial") >= 2);
    {
        const job other = {"in-1.safetensors", "q.safetensors.index.json", {NULL}};
        assert_int_equal(run_with(&other, "--force", NULL), 0);
        nothing_is_left();
        unlink(scratch_path("q.safetensors.index.json"));
        unlink(scratch_path("q-00001-of-00001.safetensors"));
    }
    free_expected(&want);
}

static void refuses_other_options(void **state)
{
    static const struct {
        const char *options[8];
        const char *message;
    } OTHERS[] = {
        {{"--json", "--dtype", "u8"}, "was begun with \"dtype\":\"s8\", now there is \"dtype\":\"u8\""},
        {{"--json", "--rounding", "away"}, "was begun with \"rounding\":\"even\", now there is \"rounding\":\"away\""},
        {{"--json", "--granularity", "tensor"}, "\"granularity\":\"default\", now there is \"granularity\":\"tensor\""},
        {{"--json", "--exclude", "b.weight"}, "cannot be continued with other options"},
        {{"--json", "--scale", "0.5"}, "cannot be continued with other options"},
        {{"--json", "--range", "-1:1"}, "cannot be continued with other options"},
        {{"--json", "--calibrate", "mse"}, "cannot be continued with other options"},
        {{"--json", "--min-rank", "1"}, "was begun with \"min_rank\":2, now there is \"min_rank\":1"},
    };
    expected want = expect(&PLAIN);
    (void)state;
    leave_unfinished(2);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        job other = PLAIN;
        memcpy(other.options, OTHERS[i].options, sizeof other.options);
        refused(&other, (killed_run){0}, "--resume", NULL, 2, OTHERS[i].message);
        refused(&other, (killed_run){0}, "--resume", "--force", 2, "without --resume, --force begins anew");
    }
    refused(&PLAIN, (killed_run){.version = "9.8.7"}, "--resume", NULL, 2,
            "it was begun by version 0.1.0, and this is version 9.8.7");
    refused(&PLAIN, (killed_run){0}, "--resume", "--dry-run", 2, "nothing for --resume to continue");
    /* What decides no byte may be another: how memory is used, what is printed, when it fails. */
    {
        const job other = {PLAIN.in, PLAIN.out, {"--memory", "1M", "--fail-sqnr-below", "-1000", "--json"}};
        assert_int_equal(run_with(&other, "--resume", NULL), 0);
        assert_report(&want, "other options", 0);
        assert_outputs(&want, "other options", 0);
        remove_outputs(&PLAIN);
    }
    free_expected(&want);
}

/* Files of values are compared by their values. */
static void refuses_other_values(void **state)
{
    static const char HEADER[] = "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    unsigned char array[132];
    const job with_file = {PLAIN.in, PLAIN.out, {"--scale", scratch_path("scale.npy")}};
    (void)state;
    memset(array, ' ', sizeof array);
    memcpy(array, HEADER, sizeof HEADER - 1);
    array[127] = '\n';
    memcpy(array + 128, "\0\0\x80\x3f", 4);
    scratch_write("scale.npy", array, sizeof array);
    for (long point = 30; scratch_count(".journal") == 0 && point > 0; point--) {
        remove_outputs(&PLAIN);
        start(&with_file, (killed_run){.die_before = point}, NULL, NULL);
    }
    array[131] = 0x40;
    scratch_write("scale.npy", array, sizeof array);
    refused(&with_file, (killed_run){0}, "--resume", NULL, 2, "other values of --scale or --zero-point");
    array[131] = 0x3f;
    scratch_write("scale.npy", array, sizeof array);
    assert_int_equal(run_with(&with_file, "--resume", NULL), 0);
    nothing_is_left();
    remove_outputs(&PLAIN);
}

static void refuses_another_input(void **state)
{
    const char *in = scratch_path(PLAIN.in);
    const file_copy original = take_copy(PLAIN.in);
    expected want = expect(&PLAIN);
    struct stat facts;
    struct timespec times[2];
    (void)state;
    leave_unfinished(2);
    assert_int_equal(stat(in, &facts), 0);
    times[0] = facts.st_atim;
    times[1] = facts.st_mtim;
    /* The same bytes at another time, even by a nanosecond. */
    times[1].tv_nsec ^= 1;
    assert_int_equal(utimensat(AT_FDCWD, in, times, 0), 0);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2, "in-1.safetensors is not the file it was begun with");
    /* Another header of the same length at the same time: two names are exchanged. */
    times[1] = facts.st_mtim;
    {
        file_copy other = {malloc(original.length), original.length};
        char *a = NULL;
        char *c = NULL;
        memcpy(other.bytes, original.bytes, original.length);
        for (size_t i = 8; i + 8 < original.length && (a == NULL || c == NULL); i++) {
            a = memcmp(other.bytes + i, "a.weight", 8) == 0 ? other.bytes + i : a;
            c = memcmp(other.bytes + i, "c.weight", 8) == 0 ? other.bytes + i : c;
        }
        assert_non_null(a);
        assert_non_null(c);
        *a = 'c';
        *c = 'a';
        put_back(PLAIN.in, &other);
        assert_int_equal(utimensat(AT_FDCWD, in, times, 0), 0);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2, "in-1.safetensors is not the file it was begun with");
        free(other.bytes);
    }
    /* Another model of this architecture: one that was trained for longer, with the time that an archive gave both. */
    {
        file_copy other = {malloc(original.length), original.length};
        uint64_t header = 0;
        memcpy(&header, original.bytes, sizeof header);
        memcpy(other.bytes, original.bytes, original.length);
        for (size_t i = sizeof header + (size_t)header; i < original.length; i++) {
            other.bytes[i] = (char)(other.bytes[i] ^ 1);
        }
        put_back(PLAIN.in, &other);
        assert_int_equal(utimensat(AT_FDCWD, in, times, 0), 0);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2, "(size, time of modification, header or data differ)");
        free(other.bytes);
    }
    put_back(PLAIN.in, &original);
    assert_int_equal(utimensat(AT_FDCWD, in, times, 0), 0);
    /* Moving it makes no difference. */
    assert_int_equal(rename(in, scratch_path("moved.safetensors")), 0);
    {
        job moved = PLAIN;
        moved.in = "moved.safetensors";
        assert_int_equal(run_with(&moved, "--resume", NULL), 0);
    }
    assert_outputs(&want, "moved", 0);
    assert_int_equal(rename(scratch_path("moved.safetensors"), in), 0);
    remove_outputs(&PLAIN);
    free(original.bytes);
    free_expected(&want);
}

/* What an earlier run left, changed by somebody. */
static void refuses_what_was_changed(void **state)
{
    expected want = expect(&PLAIN);
    file_copy partial;
    file_copy journal;
    (void)state;
    leave_unfinished(3);
    partial = take_copy(PARTIAL);
    journal = take_copy(JOURNAL);
    /* In the header, and in the first of the data that is there (the widest type comes first). */
    for (size_t i = 0; i < 2; i++) {
        file_copy changed = {malloc(partial.length), partial.length};
        uint64_t header = 0;
        size_t at = 20;
        memcpy(changed.bytes, partial.bytes, partial.length);
        memcpy(&header, partial.bytes, 8);
        if (i == 1) {
            /* a.weight was finished first: its codes are somewhere behind the header, and none of them is a zero. */
            for (at = (size_t)header + 8; at < partial.length &&
                                          memcmp(want.bytes[0] + at, partial.bytes + at, 1) == 0 &&
                                          partial.bytes[at] == 0;) {
                at++;
            }
        }
        assert_true(at < partial.length);
        changed.bytes[at] = (char)(changed.bytes[at] ^ 1);
        put_back(PARTIAL, &changed);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3,
                i == 0 ? "does not begin as it was written" : "is not what it wrote");
        refused(&PLAIN, (killed_run){0}, "--resume", "--force", 3, "without --resume, --force begins anew");
        free(changed.bytes);
    }
    /* Cut, too long, gone. */
    put_back(PARTIAL, &partial);
    assert_int_equal(truncate(scratch_path(PARTIAL), 100), 0);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "does not begin as it was written");
    put_back(PARTIAL, &partial);
    assert_int_equal(truncate(scratch_path(PARTIAL), (off_t)want.lengths[0] + 1), 0);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "what an earlier run left has ");
    assert_int_equal(unlink(scratch_path(PARTIAL)), 0);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "is not there any more");
    refused(&PLAIN, (killed_run){0}, NULL, NULL, 2, "--resume continues it, --force begins anew");
    put_back(PARTIAL, &partial);
    /* The journal: damaged, and gone. */
    {
        file_copy changed = {malloc(journal.length), journal.length};
        memcpy(changed.bytes, journal.bytes, journal.length);
        changed.bytes[40] = (char)(changed.bytes[40] ^ 1);
        put_back(JOURNAL, &changed);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "is damaged; without --resume, --force begins anew");
        refused(&PLAIN, (killed_run){0}, NULL, NULL, 3, "is damaged; --force begins anew");
        free(changed.bytes);
    }
    put_back(JOURNAL, &journal);
    finish_and_compare(&want);
    put_back(PARTIAL, &partial);
    assert_int_equal(run_with(&PLAIN, "--resume", NULL), 0);
    assert_outputs(&want, "no journal", 0);
    remove_outputs(&PLAIN);
    free(partial.bytes);
    free(journal.bytes);
    free_expected(&want);
}

/* Lines that a hash approves of and that no run wrote. */
static void refuses_forged_lines(void **state)
{
    static const char *const LINES[] = {
        "tensor",
        "tensor 0",
        "tensor 5 1",
        "tensor ffffffffffffffff 1",
        "tensor 10000000000000000 1",
        "tensor 1",
        "tensor 1 1 1",
        "tensor 0 1",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 0 0 0 0 0 0 0 0",
        "tensor 0 1 1 0 3 0 ffffffffffffffff 0 0 0 0 0 0 0 0 0 0 0",
        "tensor 0 1 1 0 0 ffffffffff ffffffffffffffff 0 0 0 0 0 0 0 0 0 0 0",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 0 0 ffffffffffff 0 0 0 0 0 0",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 0 0 0 0 ffffffff 0 0 0 0",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 100000000 0 0 0 0 0 0 0 0 0 0",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 100000000 0 0 0 0 0 0 0 0",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 0 0 0 0 0 0 0 0 2",
        "tensor 0 1 1 0 0 0 ffffffffffffffff 0 0 0 0 0 0 0 0 0 0 0 0",
        "tensor  1 1",
        "tensor 1 1 ",
        "tensor 1 G",
        "tensor 1 -1",
        "tensors 1 1",
        "complete",
        "something",
    };
    expected want = expect(&PLAIN);
    file_copy journal;
    file_copy partial;
    (void)state;
    /* Nothing but the heading. */
    assert_int_equal(start(&PLAIN, (killed_run){.die_before = 6}, NULL, NULL), KILLED_RUN_DIED);
    journal = take_copy(JOURNAL);
    partial = take_copy(PARTIAL);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        clq_journal *opened = NULL;
        put_back(JOURNAL, &journal);
        put_back(PARTIAL, &partial);
        assert_int_equal(clq_journal_find(scratch_path(PLAIN.out), &opened, NULL), CLQ_OK);
        assert_int_equal(clq_journal_add(opened, LINES[i], NULL), CLQ_OK);
        assert_int_equal(clq_journal_write(opened, 0, NULL), CLQ_OK);
        clq_journal_close(&opened);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "without --resume, --force begins anew");
    }
    /* The same tensor twice. */
    leave_unfinished(2);
    {
        clq_journal *opened = NULL;
        const char *line = NULL;
        char copy[500];
        size_t length = 0;
        assert_int_equal(clq_journal_find(scratch_path(PLAIN.out), &opened, NULL), CLQ_OK);
        assert_int_equal(clq_journal_next(opened, &line, &length), 1);
        snprintf(copy, sizeof copy, "%.*s", (int)length, line);
        assert_int_equal(clq_journal_add(opened, copy, NULL), CLQ_OK);
        assert_int_equal(clq_journal_write(opened, 0, NULL), CLQ_OK);
        clq_journal_close(&opened);
        refused(&PLAIN, (killed_run){0}, "--resume", NULL, 3, "tells of tensors that this run has not");
    }
    remove_outputs(&PLAIN);
    free(journal.bytes);
    free(partial.bytes);
    free_expected(&want);
}

static void one_run_at_a_time(void **state)
{
    expected want = expect(&PLAIN);
    clq_journal *journal = NULL;
    (void)state;
    leave_unfinished(2);
    assert_int_equal(clq_journal_find(scratch_path(PLAIN.out), &journal, NULL), CLQ_OK);
    assert_non_null(journal);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2, "another run is writing it");
    refused(&PLAIN, (killed_run){0}, "--force", NULL, 2, "another run is writing it");
    refused(&PLAIN, (killed_run){0}, NULL, NULL, 2, "another run is writing it");
    clq_journal_close(&journal);
    finish_and_compare(&want);
    free_expected(&want);
}

/* A run that was killed when all was written, over a file of this text that has its place still. */
static void leave_finished_over(const char *text)
{
    for (long point = 20; point < 1000; point++) {
        size_t length = 0;
        char *journal = NULL;
        int is_complete = 0;
        remove_outputs(&PLAIN);
        scratch_write(PLAIN.out, text, strlen(text));
        assert_int_equal(start(&PLAIN, (killed_run){.die_before = point}, "--force", NULL), KILLED_RUN_DIED);
        journal = scratch_read(scratch_path(JOURNAL), &length);
        is_complete = journal != NULL && strstr(journal, "complete") != NULL;
        free(journal);
        if (is_complete) {
            assert_int_equal(access(scratch_path(PARTIAL), F_OK), 0);
            return;
        }
    }
    fail_msg("no run was killed when all was written");
}

/* An existing OUT is kept until the new one is whole, and needs --force as ever. */
static void leaves_an_existing_file_alone(void **state)
{
    expected want = expect(&PLAIN);
    (void)state;
    scratch_write(PLAIN.out, "old", 3);
    assert_int_equal(start(&PLAIN, (killed_run){.die_before = 20}, "--force", NULL), KILLED_RUN_DIED);
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2, "exists; --");
    {
        const file_copy old = take_copy(PLAIN.out);
        assert_int_equal(old.length, 3);
        free(old.bytes);
    }
    assert_int_equal(run_with(&PLAIN, "--resume", "--force"), 0);
    assert_report(&want, "replaced", 0);
    assert_outputs(&want, "replaced", 0);
    remove_outputs(&PLAIN);
    /* Of one that had finished all, too: nothing is lost with what is refused. */
    leave_finished_over("old");
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2,
            "exists; --resume --force continues the run that was killed, and replaces it");
    assert_int_equal(run_with(&PLAIN, "--resume", "--force"), 0);
    assert_outputs(&want, "finished and replaced", 0);
    remove_outputs(&PLAIN);
    /* Of one that had finished something, each refusal tells what goes on with it. */
    leave_unfinished(2);
    scratch_write(PLAIN.out, "old", 3);
    refused(&PLAIN, (killed_run){0}, NULL, NULL, 2,
            "of its tensors were finished; --resume --force continues it, and replaces what is there, --force alone "
            "begins anew");
    refused(&PLAIN, (killed_run){0}, "--resume", NULL, 2,
            "exists; --resume --force continues the run that was killed, and replaces it");
    assert_int_equal(run_with(&PLAIN, "--resume", "--force"), 0);
    assert_outputs(&want, "continued and replaced", 0);
    remove_outputs(&PLAIN);
    free_expected(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(continues_from_every_call),
        cmocka_unit_test(continues_after_many_deaths),
        cmocka_unit_test(continues_after_a_loss_of_power),
        cmocka_unit_test(continues_after_a_kill_at_any_time),
        cmocka_unit_test(runs_when_nothing_is_left),
        cmocka_unit_test(refuses_to_begin_over_it_unless_told),
        cmocka_unit_test(refuses_other_options),
        cmocka_unit_test(refuses_other_values),
        cmocka_unit_test(refuses_another_input),
        cmocka_unit_test(refuses_what_was_changed),
        cmocka_unit_test(refuses_forged_lines),
        cmocka_unit_test(one_run_at_a_time),
        cmocka_unit_test(leaves_an_existing_file_alone),
    };
    if (getenv("CLQ_TEST_FILTER") != NULL) {
        cmocka_set_test_filter(getenv("CLQ_TEST_FILTER"));
    }
    return cmocka_run_group_tests_name("resume", tests, make_inputs, scratch_end);
}
