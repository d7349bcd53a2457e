/* SPDX-License-Identifier: Apache-2.0 */
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
#include <time.h>
#include <unistd.h>

#include "folder_tree.h"
#include "gguf_file.h"
#include "part_runs.h"
#include "scratch.h"
#include "written_model.h"

uint64_t part_seed;

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

int part_make_inputs(void **state)
{
    static const char INDEX[] =
        "{\"weight_map\": {\"a.weight\": \"model-1.safetensors\", \"a.bias\": \"model-1.safetensors\", "
        "\"b.weight\": \"model-1.safetensors\", \"count\": \"model-1.safetensors\", \"c.weight\": "
        "\"model-1.safetensors\", \"d.weight\": \"model-2.safetensors\", \"e.weight\": \"model-2.safetensors\", "
        "\"empty\": \"model-2.safetensors\", \"f.weight\": \"model-2.safetensors\"}}";
    const char *text = getenv("CLQ_TEST_SEED");
    part_seed = text != NULL && text[0] != '\0' ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "parts: CLQ_TEST_SEED=%" PRIu64 "\n", part_seed);
    scratch_begin(state);
    assert_int_equal(mkdir(scratch_path("in"), 0777), 0);
    written_model("in/model-1.safetensors", FIRST, sizeof FIRST / sizeof FIRST[0], &part_seed);
    written_model("in/model-2.safetensors", SECOND, sizeof SECOND / sizeof SECOND[0], &part_seed);
    scratch_write("in/model.safetensors.index.json", INDEX, sizeof INDEX - 1);
    tree_write("in/config.json", "{\"model_type\": \"x\"}");
    tree_write("in/tokenizer.json", "words");
    tree_write("in/extra/notes.txt", "notes");
    /* Padding between tensors, of blocks in many rows, and of what is copied. */
    gguf_file_write("in.gguf",
                    "r:GGUF w3 q4 q1 s:general.file_type w4 w0 s:a.weight w2 q64 q200 w0 q0 s:a.bias w1 q5 w0 q51200 "
                    "s:output.weight w2 q32 q70 w1 q51232 s:b.weight w3 q32 q3 q120 w30 q55712 @32 d51200 d20 @32 "
                    "d4480 d23040",
                    &part_seed);
    /* And none: the last byte of the file is data. */
    gguf_file_write("full.gguf",
                    "r:GGUF w3 q2 q1 s:general.file_type w4 w0 s:a.weight w2 q64 q64 w0 q0 s:b.weight w2 q64 q64 w0 "
                    "q16384 @32 d16384 d16384",
                    &part_seed);
    return 0;
}

/* ---- runs ---- */

const part_job PART_JOBS[PART_JOB_COUNT] = {
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
    {"in/model-1.safetensors",
     "out/q.safetensors",
     {"--format", "pack-quantized", "--dtype", "s8", "--preset", "compressed-tensors-asymmetric"}},
    {"in.gguf", "out/q.gguf", {"--dtype", "q4_0"}},
    {"in.gguf", "out/q.gguf", {"--dtype", "q8_0"}},
    {"full.gguf", "out/q.gguf", {"--dtype", "q4_0"}},
    {"in", "out", {"--granularity", "group", "--group-size", "32"}},
};

static int part_start(const part_job *what, killed_run run, const char *const *more)
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

int part_whole(const part_job *what, const char *more)
{
    const killed_run run = {.racing = 1};
    const char *const list[] = {more, NULL};
    return part_start(what, run, list);
}

int part_run_with(const part_job *what, unsigned part, unsigned parts, killed_run run, const char *more)
{
    char text[24];
    const char *const list[] = {"--part", text, more, NULL};
    snprintf(text, sizeof text, "%u/%u", part, parts);
    return part_start(what, run, list);
}

int part_run(const part_job *what, unsigned number, unsigned parts, const char *more)
{
    const killed_run run = {.racing = 1};
    return part_run_with(what, number, parts, run, more);
}

int part_join_with(const part_job *what, killed_run run)
{
    const char *const arguments[] = {"join", scratch_path(what->out), NULL};
    run.out = scratch_path("stdout");
    run.err = scratch_path("stderr");
    return killed_run_start(&run, arguments);
}

int part_join(const part_job *what)
{
    const killed_run run = {0};
    return part_join_with(what, run);
}

char *part_text(const char *name)
{
    size_t length = 0;
    char *text = scratch_read(scratch_path(name), &length);
    assert_non_null(text);
    return text;
}

void part_must(int code, const char *what, long number)
{
    if (code != 0) {
        char *text = part_text("stderr");
        fprintf(stderr, "%s", text);
        free(text);
        fail_msg("%s, %ld: exit code %d", what, number, code);
    }
}

void part_refuses(int code, int want, const char *words)
{
    char *text = part_text("stderr");
    if (code != want || strstr(text, words) == NULL) {
        fail_msg("exit code %d, and %d with \"%s\" is wanted: %s", code, want, words, text);
    }
    free(text);
}

void part_begin(const part_job *what)
{
    scratch_remove(scratch_path("out"));
    if (strcmp(what->out, "out") != 0) {
        assert_int_equal(mkdir(scratch_path("out"), 0777), 0);
    }
}

char *part_read_report(void)
{
    char *text = part_text("stdout");
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

part_expected part_expect(const part_job *what)
{
    part_expected want;
    part_begin(what);
    part_must(part_whole(what, NULL), "an undisturbed run", 0);
    want.files = tree_show("out", 1);
    want.report = part_read_report();
    return want;
}

void part_free_expected(part_expected *want)
{
    free(want->files);
    free(want->report);
}

void part_assert_joined(const part_expected *want, const char *where, long number)
{
    char *files = tree_show("out", 1);
    if (strcmp(files, want->files) != 0) {
        fail_msg("%s, %ld: the files are not those of one run:\n%s\nbut\n%s", where, number, files, want->files);
    }
    free(files);
}

void part_assert_not_half(const part_job *what, const part_expected *want, long number)
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

void part_damage(const char *name, size_t at)
{
    size_t length = 0;
    char *bytes = scratch_read(scratch_path(name), &length);
    assert_non_null(bytes);
    assert_true(at < length);
    bytes[at] ^= 1;
    scratch_write(name, bytes, length);
    free(bytes);
}

size_t part_file_size(const char *name)
{
    struct stat facts;
    assert_int_equal(stat(scratch_path(name), &facts), 0);
    return (size_t)facts.st_size;
}
