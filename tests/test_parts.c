/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize --part and join: the bytes and the report of one run, whatever the number of parts, their order and their
 * deaths; and nothing is joined that does not belong together.
 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "folder_tree.h"
#include "gguf_file.h"
#include "killed_run.h"
#include "scratch.h"
#include "written_model.h"

static uint64_t seed;

/* Of more than one piece, and of one: rows of an odd number of elements, rows that are no multiple of 32, few rows. */
static const written_tensor FIRST[] = {
    {"a.weight", "F32", 200, 160}, {"a.bias", "F32", 0, 200},    {"b.weight", "BF16", 301, 129},
    {"count", "I64", 0, 9000},     {"c.weight", "F32", 5, 3000},
};
static const written_tensor SECOND[] = {
    {"d.weight", "F16", 320, 96},
    {"e.weight", "F32", 1, 1},
    {"empty", "F32", 0, 0},
    {"f.weight", "F32", 1000, 9},
};

static int make_inputs(void **state)
{
    static const char INDEX[] =
        "{\"weight_map\": {\"a.weight\": \"model-1.safetensors\", \"a.bias\": \"model-1.safetensors\", "
        "\"b.weight\": \"model-1.safetensors\", \"count\": \"model-1.safetensors\", \"c.weight\": "
        "\"model-1.safetensors\", \"d.weight\": \"model-2.safetensors\", \"e.weight\": \"model-2.safetensors\", "
        "\"empty\": \"model-2.safetensors\", \"f.weight\": \"model-2.safetensors\"}}";
    const char *text = getenv("CLQ_TEST_SEED");
    seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "parts: CLQ_TEST_SEED=%" PRIu64 "\n", seed);
    scratch_begin(state);
    assert_int_equal(mkdir(scratch_path("in"), 0777), 0);
    written_model("in/model-1.safetensors", FIRST, sizeof FIRST / sizeof FIRST[0], &seed);
    written_model("in/model-2.safetensors", SECOND, sizeof SECOND / sizeof SECOND[0], &seed);
    scratch_write("in/model.safetensors.index.json", INDEX, sizeof INDEX - 1);
    tree_write("in/config.json", "{\"model_type\": \"x\"}");
    tree_write("in/tokenizer.json", "words");
    tree_write("in/extra/notes.txt", "notes");
    /* Padding between tensors, of blocks in many rows, and of what is copied. */
    gguf_file_write("in.gguf",
                    "r:GGUF w3 q4 q1 s:general.file_type w4 w0 s:a.weight w2 q64 q200 w0 q0 s:a.bias w1 q5 w0 q51200 "
                    "s:output.weight w2 q32 q70 w1 q51232 s:b.weight w3 q32 q3 q120 w30 q55712 @32 d51200 d20 @32 "
                    "d4480 d23040",
                    &seed);
    /* And none: the last byte of the file is data. */
    gguf_file_write("full.gguf",
                    "r:GGUF w3 q2 q1 s:general.file_type w4 w0 s:a.weight w2 q64 q64 w0 q0 s:b.weight w2 q64 q64 w0 "
                    "q16384 @32 d16384 d16384",
                    &seed);
    return 0;
}

/* ---- runs ---- */

typedef struct job {
    const char *in, *out;
    const char *options[8];
} job;

static const job JOBS[] = {
    {"in/model-1.safetensors", "out/q.safetensors", {NULL}},
    {"in/model-1.safetensors", "out/q.safetensors", {"--granularity", "tensor"}},
    {"in/model-1.safetensors", "out/q.safetensors", {"--preset", "affine-u8", "--axis", "1"}},
    {"in/model-1.safetensors", "out/q.safetensors", {"--dtype", "s4", "--granularity", "group", "--group-size", "7"}},
    {"in/model-1.safetensors", "out/q.safetensors", {"--preset", "onnx", "--dtype", "u4"}},
    {"in/model-1.safetensors", "out/q.safetensors", {"--calibrate", "mse"}},
    {"in/model.safetensors.index.json", "out/q.safetensors.index.json", {"--granularity", "group"}},
    {"in/model.safetensors.index.json", "out/q.safetensors", {"--range", "-1:2", "--preset", "affine-u8"}},
    {"in/model-1.safetensors",
     "out/q.safetensors",
     {"--format", "pack-quantized", "--dtype", "s4", "--preset", "compressed-tensors-asymmetric"}},
    {"in.gguf", "out/q.gguf", {"--dtype", "q4_0"}},
    {"in.gguf", "out/q.gguf", {"--dtype", "q8_0"}},
    {"full.gguf", "out/q.gguf", {"--dtype", "q4_0"}},
    {"in", "out", {"--granularity", "group", "--group-size", "32"}},
};
enum { JOB_COUNT = sizeof JOBS / sizeof JOBS[0], FOLDER_JOB = JOB_COUNT - 1, FINDING_JOB = 2, SHARDED_JOB = 6 };

static int start(const job *what, killed_run run, const char *const *more)
{
    const char *arguments[KILLED_RUN_ARGUMENTS] = {
        "quantize", scratch_path(what->in), "-o", scratch_path(what->out), "--device", "reference"};
    size_t count = 6;
    for (size_t i = 0; i < sizeof what->options / sizeof what->options[0] && what->options[i] != NULL; i++) {
        arguments[count++] = what->options[i];
    }
    for (size_t i = 0; more[i] != NULL; i++) {
        arguments[count++] = more[i];
    }
    run.out = run.out != NULL ? run.out : scratch_path("stdout");
    run.err = run.err != NULL ? run.err : scratch_path("stderr");
    return killed_run_start(&run, arguments);
}

static int whole(const job *what, const char *more)
{
    const killed_run run = {.racing = 1};
    const char *const list[] = {more, NULL};
    return start(what, run, list);
}

static int part_with(const job *what, unsigned part, unsigned parts, killed_run run, const char *more)
{
    char text[24];
    const char *const list[] = {"--part", text, more, NULL};
    snprintf(text, sizeof text, "%u/%u", part, parts);
    return start(what, run, list);
}

static int part(const job *what, unsigned number, unsigned parts, const char *more)
{
    const killed_run run = {.racing = 1};
    return part_with(what, number, parts, run, more);
}

static int join_with(const job *what, killed_run run)
{
    const char *const arguments[] = {"join", scratch_path(what->out), NULL};
    run.out = scratch_path("stdout");
    run.err = scratch_path("stderr");
    return killed_run_start(&run, arguments);
}

static int join(const job *what)
{
    const killed_run run = {0};
    return join_with(what, run);
}

static char *read_text(const char *name)
{
    size_t length = 0;
    char *text = scratch_read(scratch_path(name), &length);
    assert_non_null(text);
    return text;
}

static void must(int code, const char *what, long number)
{
    if (code != 0) {
        char *text = read_text("stderr");
        fprintf(stderr, "%s", text);
        free(text);
        fail_msg("%s, %ld: exit code %d", what, number, code);
    }
}

/* It ends with that code, and says so. */
static void refuses(int code, int want, const char *words)
{
    char *text = read_text("stderr");
    if (code != want || strstr(text, words) == NULL) {
        fail_msg("exit code %d, and %d with \"%s\" is wanted: %s", code, want, words, text);
    }
    free(text);
}

static void begin(const job *what)
{
    scratch_remove(scratch_path("out"));
    if (strcmp(what->out, "out") != 0) {
        assert_int_equal(mkdir(scratch_path("out"), 0777), 0);
    }
}

/* Files and sizes, modes and hashes; and a report without what tells of time, device and options. */
typedef struct expected {
    char *files, *report;
} expected;

static char *read_report(void)
{
    char *text = read_text("stdout");
    char *last = strstr(text, " quantized, ");
    char *end = last != NULL ? strstr(last, "), ") : NULL;
    char *hint = strstr(text, "hint: ");
    if (end != NULL) {
        *end = '\0';
    }
    if (hint != NULL) {
        const char *after = strchr(hint, '\n') + 1;
        memmove(hint, after, strlen(after) + 1);
    }
    return text;
}

static expected expect(const job *what)
{
    expected want;
    begin(what);
    must(whole(what, NULL), "an undisturbed run", 0);
    want.files = tree_show("out", 1);
    want.report = read_report();
    return want;
}

static void free_expected(expected *want)
{
    free(want->files);
    free(want->report);
}

static void assert_joined(const expected *want, const char *where, long number)
{
    char *files = tree_show("out", 1);
    if (strcmp(files, want->files) != 0) {
        fail_msg("%s, %ld: the files are not those of one run:\n%s\nbut\n%s", where, number, files, want->files);
    }
    free(files);
}

/* Nothing stands under the output's name, or what belongs there. */
static void assert_not_half(const job *what, const expected *want, long number)
{
    if (strcmp(what->out, "out") == 0) {
        assert_true(!tree_loads("out") || tree_has("out", "extra/notes.txt"));
    } else if (access(scratch_path(what->out), F_OK) == 0) {
        char *files = tree_show("out", 0);
        if (strcmp(files, want->files) != 0) {
            fail_msg("call %ld: an output that is not whole:\n%s\nbut\n%s", number, files, want->files);
        }
        free(files);
    }
}

/* ---- tests ---- */

static void shuffle(unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const unsigned j = (unsigned)(scratch_random(&seed) % (i + 1));
        order[i] = order[j];
        order[j] = i + 1;
    }
}

static void gives_the_bytes_of_one_run(void **state)
{
    static const unsigned COUNTS[] = {1, 2, 3, 4, 7, 40};
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        expected want = expect(&JOBS[j]);
        for (size_t c = 0; c < sizeof COUNTS / sizeof COUNTS[0]; c++) {
            unsigned order[40];
            char *report;
            begin(&JOBS[j]);
            shuffle(order, COUNTS[c]);
            if (COUNTS[c] == 2) { /* once the last first: what begins later must leave it as it is */
                order[0] = 2;
                order[1] = 1;
            }
            for (unsigned i = 0; i < COUNTS[c]; i++) {
                must(part(&JOBS[j], order[i], COUNTS[c], NULL), "a part", (long)order[i]);
            }
            must(part(&JOBS[j], COUNTS[c], COUNTS[c], "--resume"), "a part that was done", (long)j);
            must(join(&JOBS[j]), "join", (long)j);
            assert_joined(&want, "parts", (long)COUNTS[c]);
            report = read_report();
            if (strcmp(report, want.report) != 0) {
                fail_msg("job %zu: the report is not that of one run:\n%s\nbut\n%s", j, report, want.report);
            }
            free(report);
        }
        free_expected(&want);
    }
}

/* All parts in processes of their own, at once; how many of them failed. */
static int all_at_once(const job *what, unsigned parts)
{
    pid_t children[8];
    int failed = 0;
    for (unsigned i = 0; i < parts; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char out[32], err[32];
            killed_run run = {.racing = 1};
            snprintf(out, sizeof out, "stdout-%u", i);
            snprintf(err, sizeof err, "stderr-%u", i);
            run.out = scratch_path(out);
            run.err = scratch_path(err);
            _exit(part_with(what, i + 1, parts, run, NULL));
        }
    }
    for (unsigned i = 0; i < parts; i++) {
        int status = 0;
        char err[32];
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            snprintf(err, sizeof err, "stderr-%u", i);
            fprintf(stderr, "part %u: %s", i + 1, read_text(err));
            failed++;
        }
    }
    return failed;
}

static void runs_at_the_same_time(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        expected want = expect(&JOBS[j]);
        begin(&JOBS[j]);
        assert_int_equal(all_at_once(&JOBS[j], 4), 0);
        must(join(&JOBS[j]), "join", (long)j);
        assert_joined(&want, "at once", (long)j);
        free_expected(&want);
    }
}

/* A part dies before each call that changes a file, and is continued; the other is there already, or comes later. */
static void continues_a_part_from_every_call(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j += 3) {
        expected want = expect(&JOBS[j]);
        long point = 1 + (long)(j % (size_t)check_stride());
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += 3 * check_stride()) {
            const unsigned dies = 1 + (unsigned)(point % 2);
            killed_run run = {.die_before = point, .power_loss = (int)(point / 2 % 2), .seed = scratch_random(&seed)};
            begin(&JOBS[j]);
            must(point % 4 < 2 ? part(&JOBS[j], 3 - dies, 2, NULL) : 0, "the other part", point);
            code = part_with(&JOBS[j], dies, 2, run, NULL);
            if (code == KILLED_RUN_DIED) {
                assert_int_not_equal(join(&JOBS[j]), 0);
                assert_not_half(&JOBS[j], &want, point);
                must(part(&JOBS[j], dies, 2, "--resume"), "a part that is continued", point);
            } else {
                assert_int_equal(code, 0);
            }
            must(point % 4 < 2 ? 0 : part(&JOBS[j], 3 - dies, 2, NULL), "the other part", point);
            must(join(&JOBS[j]), "join", point);
            assert_joined(&want, "continued", point);
        }
        assert_true(point > 10);
        free_expected(&want);
    }
}

static void joins_from_every_call(void **state)
{
    static const size_t KINDS[] = {0, SHARDED_JOB, FOLDER_JOB};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const job *what = &JOBS[KINDS[k]];
        expected want = expect(what);
        long point = 1;
        for (int code = KILLED_RUN_DIED; code == KILLED_RUN_DIED; point += check_stride()) {
            killed_run run = {.die_before = point};
            begin(what);
            must(part(what, 1, 2, NULL), "a part", 1);
            must(part(what, 2, 2, NULL), "a part", 2);
            code = join_with(what, run);
            if (code == KILLED_RUN_DIED) {
                assert_not_half(what, &want, point);
                code = join(what);
                if (code == 2) { /* all was done but the end of the process */
                    refuses(code, 2, "no part of it is there");
                } else {
                    must(code, "a join that is done again", point);
                }
                code = KILLED_RUN_DIED;
            } else {
                assert_int_equal(code, 0);
            }
            assert_joined(&want, "joined", point);
        }
        assert_true(point > 3);
        free_expected(&want);
    }
}

/* Parts of two, of which one died, go on as parts of three, and as one. */
static void goes_on_with_another_number(void **state)
{
    (void)state;
    for (size_t j = 0; j < JOB_COUNT; j++) {
        const killed_run dies = {.die_before = 12 + (long)(scratch_random(&seed) % 8)};
        expected want = expect(&JOBS[j]);
        for (unsigned parts = 1; parts <= 3; parts += 2) {
            begin(&JOBS[j]);
            must(part(&JOBS[j], 1, 2, NULL), "a part", 1);
            (void)part_with(&JOBS[j], 2, 2, dies, NULL);
            refuses(part(&JOBS[j], 1, parts, NULL), 2, "there are parts of 2");
            for (unsigned i = parts; i >= 1; i--) {
                must(part(&JOBS[j], i, parts, "--resume"), "a part of another number", (long)i);
            }
            must(join(&JOBS[j]), "join", (long)j);
            assert_joined(&want, "another number", (long)parts);
        }
        free_expected(&want);
    }
}

static void kills_at_any_time(void **state)
{
    const char *text = getenv("CLQ_TEST_KILLS");
    const int kills = text != NULL && text[0] != '\0' ? atoi(text) : 4;
    (void)state;
    for (int i = 0; i < kills; i++) {
        const job *what = &JOBS[(size_t)(scratch_random(&seed) % JOB_COUNT)];
        const unsigned parts = 2 + (unsigned)(scratch_random(&seed) % 3);
        const unsigned other = 1 + (unsigned)(scratch_random(&seed) % 4);
        expected want = expect(what);
        begin(what);
        for (unsigned p = 1; p <= parts; p++) {
            const killed_run run = {.kill_after = 1e-6 * (double)(1 + scratch_random(&seed) % 20000), .racing = i % 2};
            (void)part_with(what, p, parts, run, NULL);
            assert_not_half(what, &want, i);
        }
        for (unsigned p = 1; p <= other; p++) {
            must(part(what, p, other, "--resume"), "a part after kills", i);
        }
        must(join(what), "join", i);
        assert_joined(&want, "killed", i);
        free_expected(&want);
    }
}

/* Change a byte of a file. */
static void damage(const char *name, size_t at)
{
    size_t length = 0;
    char *bytes = scratch_read(scratch_path(name), &length);
    assert_non_null(bytes);
    assert_true(at < length);
    bytes[at] ^= 1;
    scratch_write(name, bytes, length);
    free(bytes);
}

static size_t size_of(const char *name)
{
    struct stat facts;
    assert_int_equal(stat(scratch_path(name), &facts), 0);
    return (size_t)facts.st_size;
}

static void refuses_what_does_not_belong_together(void **state)
{
    const job *what = &JOBS[0];
    const job other = {what->in, what->out, {"--preset", "affine-u8"}};
    const job narrow = {what->in, what->out, {"--include", "a*"}};
    const killed_run older = {.version = "0.0.9"};
    (void)state;
    begin(what);
    refuses(join(what), 2, "no part of it is there");
    must(part(what, 1, 2, NULL), "a part", 1);
    refuses(join(what), 2, "part 2 of 2 is not there");
    refuses(part(what, 1, 2, NULL), 2, "part 1 of 2 of it is done");
    refuses(part(&other, 2, 2, NULL), 2, "\"preset\":\"symmetric\"");
    refuses(part(&narrow, 2, 2, NULL), 2, "\"include\":");
    refuses(part_with(what, 2, 2, older, NULL), 2, "0.0.9");
    refuses(whole(what, NULL), 2, "part 1 of 2 of it is there");
    must(part(what, 2, 2, NULL), "a part", 2);
    damage("out/.q.safetensors.partial", size_of("out/.q.safetensors.partial") / 2);
    refuses(join(what), 3, "is not what it wrote");
    refuses(join(what), 3, "is not what it wrote"); /* and all is still there */
    damage("out/.q.safetensors.partial", size_of("out/.q.safetensors.partial") / 2);
    damage("out/.q.safetensors.part-2-of-2.journal", 400);
    refuses(join(what), 3, "part 2 of 2");
    damage("out/.q.safetensors.part-2-of-2.journal", 400);
    must(join(what), "join", 0);
    refuses(part(what, 1, 2, NULL), 2, "exists; --force");
    must(part(what, 1, 2, "--force"), "a part that replaces", 1);
    must(part(what, 2, 2, "--force"), "a part that replaces", 2);
    must(join(what), "join", 0);
    assert_false(tree_has("out", ".q.safetensors.partial"));
}

/* Bytes that nobody is to read back may be anything. */
static void trusts_if_told_to(void **state)
{
    const job *what = &JOBS[0];
    const char *const arguments[] = {"join", scratch_path(what->out), "--check", "none", NULL};
    const killed_run run = {.out = scratch_path("stdout"), .err = scratch_path("stderr")};
    (void)state;
    begin(what);
    must(part(what, 1, 2, NULL), "a part", 1);
    refuses(killed_run_start(&run, arguments), 2, "part 2 of 2 is not there");
    must(part(what, 2, 2, NULL), "a part", 2);
    damage("out/.q.safetensors.partial", size_of("out/.q.safetensors.partial") / 2);
    refuses(join(what), 3, "is not what it wrote");
    must(killed_run_start(&run, arguments), "join", 0);
    assert_true(tree_has("out", "q.safetensors"));
    /* But not a file that is cut, nor one that was there before. */
    must(part(what, 1, 2, "--force"), "a part", 1);
    must(part(what, 2, 2, "--force"), "a part", 2);
    assert_int_equal(truncate(scratch_path("out/.q.safetensors.partial"), 100000), 0);
    refuses(killed_run_start(&run, arguments), 3, "have left 100000 bytes of it");
    scratch_remove(scratch_path("out/.q.safetensors.partial"));
    refuses(killed_run_start(&run, arguments), 3, "is none of theirs");
}

/* A join that dies when it has given the name is finished by a join alone, or all begins anew. */
static void is_finished_by_a_join(void **state)
{
    const job *what = &JOBS[0];
    expected want = expect(what);
    int placed = 0;
    (void)state;
    for (long point = 1, code = KILLED_RUN_DIED; code == KILLED_RUN_DIED && placed == 0; point++) {
        const killed_run run = {.die_before = point};
        begin(what);
        must(part(what, 1, 2, NULL), "a part", 1);
        must(part(what, 2, 2, NULL), "a part", 2);
        code = join_with(what, run);
        placed = code == KILLED_RUN_DIED && tree_has("out", "q.safetensors") &&
                 !tree_has("out", ".q.safetensors.partial") && tree_has("out", ".q.safetensors.part-1-of-2.journal");
    }
    assert_true(placed);
    refuses(part(what, 1, 2, "--resume"), 2, "'clquant join' again finishes it");
    assert_false(tree_has("out", ".q.safetensors.partial"));
    must(part(what, 2, 2, "--force"), "a part that begins anew", 2);
    assert_false(tree_has("out", ".q.safetensors.part-1-of-2.journal"));
    must(part(what, 1, 2, "--force"), "a part that begins anew", 1);
    must(join(what), "join", 0);
    assert_joined(&want, "anew", 0);
    free_expected(&want);
}

/* What is there of other options goes with --force; a run alone takes the place of parts. */
static void begins_anew_by_force(void **state)
{
    const job *what = &JOBS[0];
    const job other = {what->in, what->out, {"--preset", "affine-u8"}};
    expected want = expect(&other);
    (void)state;
    begin(what);
    must(part(what, 1, 3, NULL), "a part", 1);
    must(part(&other, 2, 2, "--force"), "a part of other options", 2);
    assert_false(tree_has("out", ".q.safetensors.part-1-of-3.journal"));
    must(part(&other, 1, 2, "--force"), "a part of other options", 1);
    must(join(what), "join", 0);
    assert_joined(&want, "by force", 0);
    begin(what);
    must(part(what, 1, 2, NULL), "a part", 1);
    must(whole(&other, "--force"), "a run alone", 0);
    assert_joined(&want, "alone", 0);
    free_expected(&want);
}

/* A gate is judged when the tensors are whole; what it refuses stays for another try. */
static void judges_when_joined(void **state)
{
    const job strict = {"in/model-1.safetensors", "out/q.safetensors", {"--fail-sqnr-below", "90"}};
    (void)state;
    begin(&strict);
    must(part(&strict, 1, 2, NULL), "a part", 1);
    must(part(&strict, 2, 2, NULL), "a part", 2);
    refuses(join(&strict), 6, "below the 90 dB asked for");
    assert_false(tree_has("out", "q.safetensors"));
    assert_true(tree_has("out", ".q.safetensors.part-2-of-2.journal"));
    /* Whichever part has it: all must. */
    begin(&strict);
    must(part(&JOBS[0], 1, 2, NULL), "a part without a gate", 1);
    must(part(&strict, 2, 2, NULL), "a part", 2);
    refuses(join(&strict), 2, "all parts must have the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_bytes_of_one_run),
        cmocka_unit_test(runs_at_the_same_time),
        cmocka_unit_test(continues_a_part_from_every_call),
        cmocka_unit_test(joins_from_every_call),
        cmocka_unit_test(goes_on_with_another_number),
        cmocka_unit_test(kills_at_any_time),
        cmocka_unit_test(refuses_what_does_not_belong_together),
        cmocka_unit_test(trusts_if_told_to),
        cmocka_unit_test(is_finished_by_a_join),
        cmocka_unit_test(begins_anew_by_force),
        cmocka_unit_test(judges_when_joined),
    };
    return cmocka_run_group_tests_name("parts", tests, make_inputs, scratch_end);
}
