/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verdict noted on disk belongs to the binaries that were tried: with others, whatever the driver calls itself, a
 * kernel is tried again, and with the same ones it is not.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failing_opencl.h"
#include "fallible_product.h"
#include "refusal.h"
#include "scratch.h"

enum { ELEMENTS = 640, PARTS = 2 };

static const char launch[] = "clEnqueueNDRangeKernel";

/* Which trial the library takes itself for, by the linker's names; NULL: what it is. */
static const char *other_trial;

const char *__real_clq_trial_hash(void);
const char *__wrap_clq_trial_hash(void);

const char *__wrap_clq_trial_hash(void)
{
    return other_trial != NULL ? other_trial : __real_clq_trial_hash();
}

typedef struct outcome {
    int comparisons, warnings, launches;
} outcome;

static void note(void *cookie, clq_log_level level, const char *message)
{
    outcome *o = cookie;
    o->comparisons += strncmp(message, "comparing ", 10) == 0;
    o->warnings += level == CLQ_LOG_WARNING;
}

/* Codes of the same values, in two tensors. */
static void quantize(clq_context *context, const clq_operand operands[4], int in_batch)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    if (in_batch) {
        clq_batch_item items[PARTS];
        clq_batch *batch = NULL;
        memset(items, 0, sizeof items);
        for (uint64_t i = 0; i < PARTS; i++) {
            items[i].q = &q;
            items[i].operands.struct_size = sizeof items[i].operands;
            items[i].operands.x = operands[0];
            items[i].operands.scale = operands[1];
            items[i].operands.zero_point = operands[2];
            items[i].operands.codes = (clq_operand){operands[3].buffer, i * ELEMENTS};
        }
        ACCEPTED(clq_batch_create(context, CLQ_OP_QUANTIZE, items, PARTS, &batch, e));
        ACCEPTED(clq_batch_run(batch, e));
        clq_batch_destroy(&batch);
        return;
    }
    for (uint64_t i = 0; i < PARTS; i++) {
        ACCEPTED(clq_quantize(context, &q, operands[0], operands[1], operands[2],
                              (clq_operand){operands[3].buffer, i * ELEMENTS}, e));
    }
}

/* A new context, as of a new process; the codes must be right whatever happened to the kernels. */
static outcome quantize_once(const char *directory, const char *variant, int in_batch)
{
    const float scale = 0.25f;
    const int32_t zero_point = 3;
    float x[ELEMENTS];
    int8_t codes[PARTS * ELEMENTS];
    const uint64_t bytes[4] = {sizeof x, 4, 4, sizeof codes};
    const void *values[3] = {x, &scale, &zero_point};
    clq_operand operands[4];
    clq_context *context = NULL;
    outcome o = {0, 0, 0};
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i % 200 - 90) * 0.25f;
    }
    ACCEPTED(clq_context_create(fallible_device(), &context, e));
    clq_context_set_log(context, note, &o);
    ACCEPTED(clq_context_set_cache(context, directory, e));
    ACCEPTED(clq_context_force_variant(context, variant, e));
    for (int i = 0; i < 4; i++) {
        operands[i].offset = 0;
        ACCEPTED(clq_buffer_create(context, bytes[i], &operands[i].buffer, e));
        if (i < 3) {
            ACCEPTED(clq_buffer_write(operands[i].buffer, 0, values[i], bytes[i], e));
        }
    }
    failing_opencl_forget_calls();
    quantize(context, operands, in_batch);
    o.launches = failing_opencl_calls(launch);
    failing_opencl_corrupt_reads(0);
    ACCEPTED(clq_buffer_read(operands[3].buffer, 0, codes, sizeof codes, e));
    for (int i = 0; i < PARTS * ELEMENTS; i++) {
        assert_int_equal(codes[i], i % ELEMENTS % 200 - 87);
    }
    for (int i = 0; i < 4; i++) {
        clq_buffer_destroy(&operands[i].buffer);
    }
    clq_context_destroy(&context);
    return o;
}

static void check_outcome(outcome o, int comparisons, int warnings, int line)
{
    if (o.comparisons != comparisons || o.warnings != warnings) {
        fail_msg("line %d: %d comparisons and %d warnings, expected %d and %d", line, o.comparisons, o.warnings,
                 comparisons, warnings);
    }
}

#define EXPECT(comparisons, warnings, o) check_outcome(o, comparisons, warnings, __LINE__)

/* The launches of the operation itself are all there are. */
static void same_binaries_are_not_tried_again(void **state)
{
    (void)state;
    for (int in_batch = 0; in_batch < 2 && check_device() != NULL; in_batch++) {
        const char *directory = scratch_path(in_batch ? "same-batch" : "same");
        outcome o = quantize_once(directory, NULL, in_batch);
        const int first = o.launches;
        EXPECT(1, 0, o);
        for (int round = 0; round < 2; round++) {
            o = quantize_once(directory, NULL, in_batch);
            EXPECT(0, 0, o);
            assert_int_equal(o.launches, in_batch ? 1 : PARTS);
            assert_true(o.launches < first);
        }
    }
    check_needs_device();
}

static void other_binaries_are_tried_again(void **state)
{
    (void)state;
    for (int in_batch = 0; in_batch < 2 && check_device() != NULL; in_batch++) {
        const char *directory = scratch_path(in_batch ? "other-batch" : "other");
        EXPECT(1, 0, quantize_once(directory, NULL, in_batch));
        failing_opencl_change_binaries("quantize");
        EXPECT(1, 0, quantize_once(directory, NULL, in_batch));
        EXPECT(0, 0, quantize_once(directory, NULL, in_batch));
        failing_opencl_change_binaries(NULL);
        EXPECT(1, 0, quantize_once(directory, NULL, in_batch));
        EXPECT(0, 0, quantize_once(directory, NULL, in_batch));
    }
    check_needs_device();
}

/* One that sees more, or less: what it found stays its own, so that the first one's is found when it comes back. */
static void another_trial_is_another_verdict(void **state)
{
    (void)state;
    assert_int_equal(strlen(__real_clq_trial_hash()), 32);
    for (int in_batch = 0; in_batch < 2 && check_device() != NULL; in_batch++) {
        const char *directory = scratch_path(in_batch ? "trial-batch" : "trial");
        EXPECT(1, 0, quantize_once(directory, NULL, in_batch));
        EXPECT(0, 0, quantize_once(directory, NULL, in_batch));
        other_trial = "0123456789abcdef0123456789abcdef";
        EXPECT(1, 0, quantize_once(directory, NULL, in_batch));
        EXPECT(0, 0, quantize_once(directory, NULL, in_batch));
        other_trial = NULL;
        EXPECT(0, 0, quantize_once(directory, NULL, in_batch));
    }
    check_needs_device();
}

static int remove_notes(const char *directory)
{
    DIR *folder = opendir(directory);
    int found = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strstr(entry->d_name, ".verdict") != NULL) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            scratch_remove(path);
            found++;
        }
    }
    closedir(folder);
    return found;
}

/* A compiler that makes a wrong `grid`, and one that makes a right one, both of one name: `strip` serves meanwhile. */
static void verdicts_do_not_pass_from_one_compiler_to_another(void **state)
{
    static const struct {
        int is_bad, comparisons, warnings;
    } runs[] = {{1, 2, 1}, {0, 1, 0}, {0, 0, 0}, {1, 2, 1}, {1, 2, 1}, {0, 1, 0}};
    (void)state;
    if (check_device() != NULL) {
        const char *directory = scratch_path("compilers");
        EXPECT(1, 0, quantize_once(directory, "grid", 0)); /* which leaves the programs */
        assert_int_equal(remove_notes(directory), 1);
        for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
            failing_opencl_change_binaries(runs[i].is_bad ? "quantize_grid" : NULL);
            failing_opencl_corrupt_reads(runs[i].is_bad);
            EXPECT(runs[i].comparisons - (i > 0 && runs[i].is_bad), runs[i].warnings,
                   quantize_once(directory, "grid", 0));
        }
    }
    failing_opencl_change_binaries(NULL);
    check_needs_device();
}

/* Also when what is built in its place is the same to the byte: the next process may rely on it again, after one more
 * trial, unless it was wrong. */
static void refused_binaries_count_as_never_tried(void **state)
{
    (void)state;
    if (check_device() != NULL) {
        const char *directory = scratch_path("refused");
        failing_opencl_replace_binaries("no program at all");
        EXPECT(1, 0, quantize_once(directory, "grid", 0));
        EXPECT(1, 0, quantize_once(directory, "grid", 0));
        failing_opencl_corrupt_reads(1);
        EXPECT(2, 1, quantize_once(directory, "grid", 0));
        assert_int_equal(remove_notes(directory), 1); /* that of the kernel in its place; the wrong one's is gone */
        failing_opencl_replace_binaries(NULL);
        EXPECT(1, 0, quantize_once(directory, "grid", 0)); /* refused once more, and replaced by what can be loaded */
        EXPECT(1, 0, quantize_once(directory, "grid", 0));
        EXPECT(0, 0, quantize_once(directory, "grid", 0));
    }
    check_needs_device();
}

static outcome multiply_once(const char *directory)
{
    fallible_product p;
    fallible_results results;
    outcome o;
    ACCEPTED(fallible_product_begin(&p, fallible_device(), NULL, e));
    ACCEPTED(clq_context_set_cache(p.context, directory, e));
    failing_opencl_forget_calls();
    ACCEPTED(fallible_product_run(&p, &results, e));
    o = (outcome){p.log.comparisons, p.log.warnings, failing_opencl_calls(launch)};
    fallible_results_check(&results);
    fallible_product_end(&p);
    return o;
}

/* Each of the programs that a product uses counts: packing is tried by itself, the sum of slices with packing, and the
 * kernel that multiplies with both. What is changed anew, or no more, counts. */
static void product_is_tried_with_all_its_binaries(void **state)
{
    static const struct {
        const char *kernels;
        int comparisons;
    } changes[] = {{"gemm_reduce", 2}, {"gemm_pack_panels", 3}, {"gemm_", 2}};
    (void)state;
    if (check_device() != NULL) {
        const char *directory = scratch_path("product");
        EXPECT(3, 0, multiply_once(directory));
        EXPECT(0, 0, multiply_once(directory));
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
            failing_opencl_change_binaries(changes[i].kernels);
            EXPECT(changes[i].comparisons, 0, multiply_once(directory));
            EXPECT(0, 0, multiply_once(directory));
        }
        failing_opencl_change_binaries(NULL);
        EXPECT(3, 0, multiply_once(directory));
    }
    check_needs_device();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(same_binaries_are_not_tried_again),
    cmocka_unit_test(other_binaries_are_tried_again),
    cmocka_unit_test(another_trial_is_another_verdict),
    cmocka_unit_test(verdicts_do_not_pass_from_one_compiler_to_another),
    cmocka_unit_test(refused_binaries_count_as_never_tried),
    cmocka_unit_test(product_is_tried_with_all_its_binaries),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("verdict", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
