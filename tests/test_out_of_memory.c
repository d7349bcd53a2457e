/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command while memory runs out: each allocation of a run fails once. Whichever it is, the run fails as a whole,
 * with one line that says so, or what it printed and wrote is what it prints and writes with all its memory.
 */
#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/frame/cli.h"
#include "failing_memory.h"
#include "format/json.h"
#include "gguf_file.h"
#include "scratch.h"

enum { MOST_WORDS = 24, MOST_FILES = 3 };

/* A command line; files lie in the scratch folder, and what is written in its folder `out`. */
typedef struct command {
    const char *words;             /* divided by blanks, without "clquant" */
    const char *files[MOST_FILES]; /* written to: OUT first */
} command;

static const command COMMANDS[] = {
    {"info in.safetensors q.safetensors --json", {NULL}},
    {"info in.safetensors q.safetensors --verbose", {NULL}},
    {"minmax in.safetensors --granularity channel --json", {NULL}},
    {"minmax in.safetensors", {NULL}},
    {"quantize in.safetensors --json --emit-config out/config.json -o out/q.safetensors",
     {"q.safetensors", "config.json"}},
    {"quantize in.safetensors --verbose -o out/q.safetensors", {"q.safetensors"}},
    {"quantize q.safetensors --granularity tensor --allow-empty --quiet -o out/q.safetensors", {"q.safetensors"}},
    {"quantize two.safetensors.index.json --json -o out/q.safetensors.index.json",
     {"q.safetensors.index.json", "q-00001-of-00002.safetensors", "q-00002-of-00002.safetensors"}},
    {"quantize in.safetensors --dry-run --strict -o out/q.safetensors", {NULL}},
    {"quantize in.safetensors --resume --quiet -o out/q.safetensors", {"q.safetensors"}},
    {"quantize in.safetensors --ranges ranges.json --json -o out/q.safetensors", {"q.safetensors"}},
    {"quantize in.safetensors --calibrate entropy --include a* --json -o out/q.safetensors", {"q.safetensors"}},
    {"quantize x.npy --scale scale.npy --json -o out/q.safetensors", {"q.safetensors"}},
    {"dequantize q.safetensors --json -o out/back.safetensors", {"back.safetensors"}},
    {"dequantize q.safetensors --tensor a.weight -o out/back.npy", {"back.npy"}},
    {"quantize m.gguf --dtype q4_0 --json -o out/q.gguf", {"q.gguf"}},
    {"dequantize q.gguf -o out/back.gguf", {"back.gguf"}},
    {"quantize net --json --quiet -o out/net", {"net/config.json", "net/model.safetensors", "net/sub/words"}},
    {"dequantize quantized --quiet -o out/net", {"net/config.json", "net/model.safetensors", "net/sub/words"}},
    {"compare in.safetensors q.safetensors --json", {NULL}},
    {"compare in.safetensors q.safetensors", {NULL}},
    {"calibrate in.safetensors --method mse --histograms --json -o out/ranges.json", {"ranges.json"}},
    {"calibrate in.safetensors -o out/ranges.json", {"ranges.json"}},
    {"gemm a.npy a.npy --json -o out/c.npy", {"c.npy"}},
    {"gemm a.npy a.npy --dtype s8 --scale-a 0.5 --scale-b scale.npy --scale-c 1 -o out/c.npy", {"c.npy"}},
    {"multiplier 0.3 --sample 7", {NULL}},
    {"sample transformer-block --json -o out/sample.safetensors", {"sample.safetensors"}},
};

/* What a run left. */
typedef struct outcome {
    int code;
    long calls;
    char *printed, *told; /* on stdout and stderr */
    char *files[MOST_FILES];
    size_t bytes[MOST_FILES];
} outcome;

static long *shared_calls; /* of the child */

/* Whether the disk flushes or not is of no matter here. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

static void redirect(const char *name, int to)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || dup2(fd, to) < 0) {
        _exit(98);
    }
    close(fd);
}

static void child(const char *text, long failing)
{
    char words[400];
    char *argv[MOST_WORDS] = {(char *)"clquant"};
    int argc = 1;
    int code = 0;
    snprintf(words, sizeof words, "%s --device reference", text);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    signal(SIGSEGV, SIG_DFL); /* which cmocka catches, to go on with its next test */
    signal(SIGABRT, SIG_DFL);
    redirect("stdout", STDOUT_FILENO);
    redirect("stderr", STDERR_FILENO);
    failing_memory_begin(failing);
    code = cli_run(argc, argv);
    *shared_calls = failing_memory_calls();
    _exit(code);
}

/* Lines that tell how long something took differ from run to run. */
static void drop_times(char *text)
{
    char *kept = text;
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n") + 1;
        char *end = text + length - 1;
        const char after = *end;
        *end = '\0';
        if (strstr(text, "\"seconds\"") == NULL && strstr(text, "\"gops\"") == NULL && strstr(text, " s on ") == NULL &&
            strstr(text, "/s) on ") == NULL && strstr(text, " GOPS by ") == NULL) {
            memmove(kept, text, length - 1);
            kept += length - 1;
            *kept++ = '\n';
        }
        *end = after;
        text = after != '\0' ? end + 1 : end;
    }
    *kept = '\0';
}

static void run(const command *what, long failing, outcome *left)
{
    size_t length = 0;
    int status = 0;
    pid_t pid;
    memset(left, 0, sizeof *left);
    scratch_remove("out");
    assert_int_equal(mkdir("out", 0777), 0);
    *shared_calls = 0;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(what->words, failing);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    left->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    left->calls = *shared_calls;
    left->printed = scratch_read("stdout", &length);
    left->told = scratch_read("stderr", &length);
    drop_times(left->printed);
    for (size_t i = 0; i < MOST_FILES && what->files[i] != NULL; i++) {
        char path[200];
        snprintf(path, sizeof path, "out/%s", what->files[i]);
        left->files[i] = scratch_read(path, &left->bytes[i]);
    }
}

static void forget(outcome *left)
{
    free(left->printed);
    free(left->told);
    for (size_t i = 0; i < MOST_FILES; i++) {
        free(left->files[i]);
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++) {
        lines += *text == '\n';
    }
    return lines;
}

/* Nothing, or one whole object. */
static int is_whole_json(const char *text)
{
    clq_json json;
    if (text[0] == '\0') {
        return 1;
    }
    clq_json_init(&json, text, strlen(text), "stdout");
    return clq_json_skip(&json, NULL) == CLQ_OK && clq_json_end(&json, NULL) == CLQ_OK;
}

/* What is wrong with a run in which an allocation failed; NULL: nothing. */
static const char *judge(const command *what, const outcome *whole, const outcome *left)
{
    const int same_out = left->files[0] != NULL && left->bytes[0] == whole->bytes[0] &&
                         memcmp(left->files[0], whole->files[0], whole->bytes[0]) == 0;
    if (left->code != 0 && left->code != 1) {
        return "ended with another exit code than 0 and 1";
    }
    if (strstr(what->words, "--json") != NULL && !is_whole_json(left->printed)) {
        return "printed broken JSON";
    }
    if (left->code == 1) {
        if (count_lines(left->told) != 1 || strncmp(left->told, "clquant: ", 9) != 0) {
            return "failed without one line that says why";
        }
        if (left->files[0] != NULL && !same_out) {
            return "failed and left another OUT";
        }
        return left->files[0] != NULL && strstr(left->told, " is complete\n") == NULL
                   ? "left OUT and did not say that it is complete"
                   : NULL;
    }
    if (strcmp(left->printed, whole->printed) != 0) {
        return "printed something else";
    }
    for (size_t i = 0; i < MOST_FILES && what->files[i] != NULL; i++) {
        if (left->files[i] == NULL || left->bytes[i] != whole->bytes[i] ||
            memcmp(left->files[i], whole->files[i], whole->bytes[i]) != 0) {
            return "wrote something else";
        }
    }
    return NULL;
}

static void fail_each(const command *what)
{
    outcome whole;
    size_t wrong = 0;
    run(what, 0, &whole);
    assert_int_equal(whole.code, 0);
    assert_string_equal(whole.told, "");
    /* With threads the number of allocations differs a little from run to run. */
    for (long failing = 1; failing <= whole.calls; failing++) {
        outcome left;
        const char *fault;
        run(what, failing, &left);
        fault = judge(what, &whole, &left);
        if (fault != NULL) {
            fprintf(stderr, "clquant %s\n    whose allocation %ld of %ld failed %s: exit code %d\n%s", what->words,
                    failing, whole.calls, fault, left.code, left.told);
            wrong++;
        }
        forget(&left);
    }
    forget(&whole);
    assert_int_equal(wrong, 0);
}

static void every_allocation_fails_once(void **state)
{
    fail_each(*state);
}

/* ---- inputs ---- */

static void write_model(const char *path, const char *header, size_t data_bytes)
{
    const size_t length = strlen(header);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < 8; i++) {
        fputc((int)(length >> 8 * i & 0xFF), file);
    }
    fputs(header, file);
    for (size_t i = 0; i < data_bytes; i++) {
        fputc(i % 4 == 3 ? 0x3F : (int)(i * 37 & 0x7F), file); /* around 1, as F32 */
    }
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *head, size_t head_bytes, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(head, 1, head_bytes, file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int make_inputs(void **state)
{
    static const command MADE[] = {
        {"quantize in.safetensors --quiet -o q.safetensors", {NULL}},
        {"calibrate in.safetensors --quiet -o ranges.json", {NULL}},
        {"quantize m.gguf --quiet -o q.gguf", {NULL}},
        {"quantize net --quiet -o quantized", {NULL}},
    };
    uint64_t seed = 1;
    scratch_begin(state);
    shared_calls = mmap(NULL, sizeof *shared_calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared_calls == MAP_FAILED || chdir(scratch_path("")) != 0) {
        return -1;
    }
    write_model("in.safetensors",
                "{\"__metadata__\":{\"note\":\"some text\"},"
                "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":[0,128]},"
                "\"a.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[128,144]},"
                "\"b.weight\":{\"dtype\":\"F32\",\"shape\":[2,6],\"data_offsets\":[144,192]},"
                "\"count\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[192,200]}}",
                200);
    assert_int_equal(mkdir("net", 0777), 0);
    assert_int_equal(mkdir("net/sub", 0777), 0);
    write_model("net/model.safetensors", "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":[0,128]}}",
                128);
    write_text("net/config.json", "", 0, "{\n  \"hidden\": 8\n}\n");
    write_text("net/sub/words", "", 0, "words\n");
    write_model("1.safetensors", "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":[0,128]}}", 128);
    write_model("2.safetensors", "{\"b.weight\":{\"dtype\":\"F32\",\"shape\":[2,6],\"data_offsets\":[0,48]}}", 48);
    write_text("two.safetensors.index.json", "", 0,
               "{\"metadata\":{\"note\":\"some text\",\"total_size\":176},"
               "\"weight_map\":{\"a.weight\":\"1.safetensors\",\"b.weight\":\"2.safetensors\"}}");
    write_text("a.npy", "\x93NUMPY\x01\x00\x46\x00", 10,
               "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }          \nabcd");
    write_text("x.npy", "\x93NUMPY\x01\x00\x46\x00", 10,
               "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }          \nabc?def?gh@?ijk?");
    write_text("scale.npy", "\x93NUMPY\x01\x00\x46\x00", 10,
               "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }            \nabc?def?");
    gguf_file_write(
        "m.gguf",
        "r:GGUF w3 q2 q3 s:general.architecture w8 s:some s:tokens w9 w8 q2 s:a s:b s:general.file_type w4 w0 "
        "s:a.weight w2 q32 q2 w0 q0 s:a.bias w1 q5 w0 q256 @32 d256 d20",
        &seed);
    for (size_t i = 0; i < sizeof MADE / sizeof MADE[0]; i++) {
        outcome left;
        run(&MADE[i], 0, &left);
        assert_string_equal(left.told, "");
        forget(&left);
    }
    return 0;
}

int main(void)
{
    enum { COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };
    struct CMUnitTest tests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tests[i] = (struct CMUnitTest){COMMANDS[i].words, every_allocation_fails_once, NULL, NULL,
                                       (void *)(uintptr_t)&COMMANDS[i]};
    }
    return cmocka_run_group_tests(tests, make_inputs, scratch_end);
}
