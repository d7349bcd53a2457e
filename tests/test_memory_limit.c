/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peak memory of the command is the budget and a fixed amount, whatever the size of the file or of one tensor in it:
 * the verbs that read data, on a file with holes, so that the disk is spared.
 *
 * Environment: CLQUANT, the command; CLQ_TEST_DEVICE.
 */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* wait4 */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/safetensors.h"
#include "gguf_file.h"
#include "scratch.h"

enum { SKIPPED = 77, FIXED_MIB = 64 };

static const char *command;

/* Run the command with the words of `arguments`; its peak memory in MiB. */
static long peak_mib(const char *arguments)
{
    char text[2048];
    char *words[24];
    int count = 0;
    int status = 0;
    struct rusage usage;
    pid_t child;
    snprintf(text, sizeof text, "clquant %s", arguments);
    for (char *word = strtok(text, " "); word != NULL && count < 23; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    words[count] = NULL;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execv(command, words);
        _exit(99);
    }
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    if (status != 0) {
        fail_msg("status %d from: %s", status, arguments);
    }
    return usage.ru_maxrss / 1024; /* Linux counts it in KiB */
}

/* One tensor of `mib` [rows, 1024], all zero, and a file that takes next to nothing on the disk. */
static const char *make_model(const char *name, uint64_t mib)
{
    const uint64_t shape[2] = {mib * 256, 1024};
    clq_safetensors_plan *plan = NULL;
    clq_error error;
    const char *header, *path;
    uint64_t header_bytes, file_bytes;
    size_t index;
    assert_int_equal(clq_safetensors_plan_create(&plan, &error), CLQ_OK);
    assert_int_equal(clq_safetensors_plan_tensor(plan, "one.weight", "F32", 2, shape, mib << 20, &index, &error),
                     CLQ_OK);
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, &error), CLQ_OK);
    path = scratch_write(name, header, (size_t)header_bytes);
    clq_safetensors_plan_destroy(&plan);
    assert_int_equal(truncate(path, (off_t)file_bytes), 0);
    return path;
}

/* The same as a .gguf of halves. */
static const char *make_gguf(const char *name, uint64_t mib)
{
    char text[200];
    uint64_t seed = 1;
    const char *path;
    snprintf(text, sizeof text, "r:GGUF w3 q1 q0 s:one.weight w2 q1024 q%u w1 q0 @32", (unsigned)mib * 512);
    path = gguf_file_write(name, text, &seed);
    assert_int_equal(truncate(path, (off_t)(96 + (mib << 20))), 0);
    return path;
}

static long run_verb(const char *verb, const char *in, const char *options, long budget_mib)
{
    char arguments[1024];
    const char *device = getenv("CLQ_TEST_DEVICE");
    snprintf(arguments, sizeof arguments, "%s %s %s --memory %ldM --quiet --device %s", verb, in, options, budget_mib,
             device != NULL ? device : "auto");
    return peak_mib(arguments);
}

/* Run twice on a device: a runtime may compile kernels in the process, once. */
static void check_verb(const char *verb, const char *in, const char *options, long budget_mib)
{
    const char *device = getenv("CLQ_TEST_DEVICE");
    long peak = run_verb(verb, in, options, budget_mib);
    if (device == NULL || strcmp(device, "reference") != 0) {
        peak = run_verb(verb, in, options, budget_mib);
    }
    if (peak > budget_mib + FIXED_MIB) {
        fail_msg("%ld MiB at most, the budget is %ld: %s %s %s", peak, budget_mib, verb, in, options);
    }
}

static void memory_stays_within_the_budget(void **state)
{
    static const char *const WAYS[] = {"", "--granularity tensor", "--preset affine --axis 1",
                                       "--dtype s4 --granularity group --group-size 32"};
    const char *model = make_model("large.safetensors", 384);
    const char *out = scratch_path("q.safetensors");
    char options[512];
    (void)state;
    for (size_t way = 0; way < sizeof WAYS / sizeof WAYS[0]; way++) {
        snprintf(options, sizeof options, "-o %s --force %s", out, WAYS[way]);
        check_verb("quantize", model, options, 32);
    }
    check_verb("quantize", model, options, 256);
    snprintf(options, sizeof options, "-o %s --force", scratch_path("back.safetensors"));
    check_verb("dequantize", out, options, 32);
    check_verb("minmax", model, "", 32);
    snprintf(options, sizeof options, "%s", out);
    check_verb("compare", model, options, 32);
    model = make_gguf("large.gguf", 192);
    out = scratch_path("q.gguf");
    snprintf(options, sizeof options, "-o %s --force --dtype q4_0", out);
    check_verb("quantize", model, options, 32);
    snprintf(options, sizeof options, "%s", out);
    check_verb("compare", model, options, 32);
    check_verb("minmax", out, "", 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_stays_within_the_budget)};
    command = getenv("CLQUANT");
    if (command == NULL) {
        printf("skipped: CLQUANT is not set\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
