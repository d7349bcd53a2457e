/* SPDX-License-Identifier: Apache-2.0 */
#include "mutant_work.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/dtype.h"

static uint64_t rounded_up(uint64_t n, uint32_t edge)
{
    return edge == 0 ? n : (n + edge - 1) / edge * edge;
}

static void add_case(mutant_work *work, const clq_trial_case *c, uint32_t height, uint32_t edge)
{
    work->cases++;
    for (size_t i = 0; i < c->count; i++) {
        /* where a range becomes a parameter no element is read */
        work->elements += c->tasks[i].operation == CLQ_OP_CHOOSE_PARAMETERS ? c->tasks[i].geometry.parameters
                                                                            : c->tasks[i].geometry.elements;
        for (int a = 0; a < CLQ_ARG_COUNT; a++) {
            work->bytes += clq_argument_bytes(&c->tasks[i], (clq_argument)a);
        }
    }
    if (c->count == 0) {
        const clq_gemm_problem *p = &c->problem;
        work->multiply_adds += rounded_up(p->m, height) * rounded_up(p->n, edge) * p->k * p->batch;
        for (int a = 0; a < CLQ_GEMM_ARGUMENTS; a++) {
            const clq_gemm_argument argument = (clq_gemm_argument)a;
            work->bytes +=
                clq_gemm_stored_bytes(&c->product, argument, clq_gemm_argument_elements(&c->product, argument));
        }
    }
}

clq_status mutant_work_add(mutant_work *work, const clq_trial_cases *cases, uint32_t height, uint32_t edge,
                           clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_trial_case *c = malloc(sizeof *c);
    if (c == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to count a trial's work");
    }
    for (size_t i = 0; i < cases->count && status == CLQ_OK; i++) {
        memset(c, 0, sizeof *c);
        status = cases->describe(cases->what, i, c, error);
        if (status == CLQ_OK) {
            add_case(work, c, height, edge);
        }
    }
    free(c);
    return status;
}

/*
 * Above what each tensor's does now by about a sixth. Products that are not in tiles of work-groups take a fifth of the
 * 50 ms, and how high they are depends on the device, so that theirs may double. Tiles of 128 are emulated for who asks
 * for them alone, and take as long as they may.
 */
/* clang-format off */
static const struct {
    const char *pattern; /* of targets; the first that fits */
    mutant_work most;
} allowed[] = {
    {"quantize/*", {256, 880000, 0, 5200 << 10}},
    {"fake-quantize/*", {256, 880000, 0, 8200 << 10}},
    {"dequantize/*", {104, 495000, 0, 2800 << 10}},
    {"dynamic-quantize/batch-*", {13, 799000, 0, 4410 << 10}},
    {"dynamic-quantize/*", {378, 527000, 0, 2800 << 10}},
    {"minmax/*", {52, 810000, 0, 3350 << 10}},
    {"histogram/*", {19, 355000, 0, 27400 << 10}},
    {"merge-range/*", {35, 112000, 0, 480 << 10}},
    {"choose-parameters/*", {28, 42000, 0, 656 << 10}},
    {"gemm/*/[1358]", {80, 0, 12000000, 2000 << 10}},
    {"gemm/cpu-amx*/17", {80, 0, 17950000, 2140 << 10}},
    {"gemm/*/1[157]", {80, 0, 16200000, 2300 << 10}},
    {"gemm/*/70", {56, 0, 2920000, 700 << 10}},
    {"gemm/*/32", {56, 0, 33500000, 700 << 10}},
    {"gemm/*/64", {56, 0, 48200000, 700 << 10}},
    {"gemm/*/128", {42, 0, 135200000, 620 << 10}},
};
/* clang-format on */

static mutant_work most_of(const mutant_target *target)
{
    const mutant_work none = {0, 0, 0, 0};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (fnmatch(allowed[i].pattern, target->name, 0) == 0) {
            return allowed[i].most;
        }
    }
    return none; /* a kind of kernel that has no row yet */
}

int mutant_work_tell(const mutant_target *target)
{
    const mutant_work most = most_of(target);
    mutant_work work;
    clq_error error;
    int fits;
    if (mutant_target_work(target, &work, &error) != CLQ_OK) {
        fprintf(stderr, "mutants: %s: %s\n", target->name, error.message);
        exit(error.status == CLQ_NO_DEVICE ? CHECK_SKIPPED : 1);
    }
    fits = work.cases <= most.cases && work.elements <= most.elements && work.multiply_adds <= most.multiply_adds &&
           work.bytes <= most.bytes;
    printf("%s\t%" PRIu64 " cases, %" PRIu64 " elements, %" PRIu64 " multiply-adds, %" PRIu64 " KiB%s\n", target->name,
           work.cases, work.elements, work.multiply_adds, work.bytes >> 10,
           fits ? "" : ": MORE than a trial may do (tests/mutant_work.c)");
    return fits;
}
