/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness of all tests that compute: one seeded generator, the device under test, and one way to run a described
 * operation on any context and compare what came out byte for byte.
 *
 * Environment:
 *     CLQ_TEST_DEVICE      the device under test, as clq_context_create takes it (default "auto")
 *     CLQ_TEST_SEED        repeat a run (every failure prints the seed)
 *     CLQ_TEST_FILTER      run only the tests of this name (* and ? match as in a shell)
 *     CLQ_TEST_STRIDE      where each of hundreds of calls fails in a run of its own: every so manyth
 *     CLQ_TEST_SAMPLE      N or N:FIRST: of the cases of a sweep every Nth from FIRST (0) on, and all edges
 *     CLQ_REQUIRE_DEVICE   1: a missing OpenCL device fails the tests instead of skipping their device half
 *
 * A test checks the reference first, then the device, then calls check_needs_device(). An executable returns 0 when all
 * passed, 1 when something failed, and CHECK_SKIPPED when nothing failed but a test, or its device half, was skipped.
 */
#ifndef CLQ_TESTS_CHECK_H
#define CLQ_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <clquant/clquant.h>

enum { CHECK_SKIPPED = 77 };

/* ---- the generator ---- */

int check_stride(void); /* CLQ_TEST_STRIDE, 1 unless it is set; in a test, which fails where it is no number */
uint64_t check_seed(void);
uint64_t check_random(void);
uint64_t check_below(uint64_t limit);               /* 0 to limit-1 */
int64_t check_between(int64_t first, int64_t last); /* both ends included */
double check_uniform(void);                         /* [0, 1) */
double check_normal(void);                          /* about N(0, 1), within 6 */
int check_chance(uint32_t one_in);                  /* 1 once in `one_in` */

/* ---- devices ---- */

clq_context *check_reference(void);
clq_context *check_device(void); /* NULL when there is no device to test */
/* The specification that takes it: "0:0", or "native". */
const char *check_device_spec(void);
int check_device_is_native(void); /* which has no kernels, and variants of its own */

/* Whether the device has buffers of that size. What a case would need beyond is counted, and told at the end. */
int check_device_holds(uint64_t bytes);

/* Whether the device has smaller buffers than trials of kernels need, some 4 MiB. */
int check_is_small(void);

/* Whether a forced kernel is refused because no buffer of such a device holds what it would be tried on, as the message
 * says; counted in the same way. */
int check_trial_is_too_large(clq_status status, const clq_error *error);

/* Whether a forced kernel is refused for what CLQ_TEST_SET_ASIDE says of this device, a list with commas: `loops`, that
 * it ends them early; `host-weights`, that it cannot pack where these would be long; OPERATION:KERNEL, that this kernel
 * gives other bytes. Counted, and told at the end. */
int check_is_set_aside(clq_status status, const clq_error *error);

/* The kernel variants that every operation is run under. */
size_t check_variant_count(void);
const char *check_variant(size_t index);

/* Last line of a test that has a device half: skips when there was no device, or fails when one is required. */
void check_needs_device(void);

/* Skip the rest of the test, saying why; the executable then returns CHECK_SKIPPED. */
void check_skip(const char *why);

/*
 * Whether a test runs the case that it is about to: every one, or with CLQ_TEST_SAMPLE every so manyth of each test and
 * whatever is first in some respect, which is an edge. The functions below that check a case fully ask it; a loop that
 * does more with each case asks once and leaves all of it out. Figures that were worked out by hand are never left out.
 */
int check_takes(const uint64_t *edges, size_t count);

/* ---- operations ---- */

typedef enum check_operand {
    CHECK_X,
    CHECK_Y,
    CHECK_CODES,
    CHECK_SCALE,
    CHECK_ZERO_POINT,
    CHECK_RANGE,
    CHECK_NONFINITE,
    CHECK_AVERAGING,
    CHECK_STATE,
    CHECK_COUNTS,
    CHECK_OPERANDS
} check_operand;

/* One operation on host arrays. */
typedef struct check_case {
    const char *name; /* for messages */
    clq_operation operation;
    clq_quantization q;
    const void *in[CHECK_OPERANDS];  /* the inputs of the operation, also those that it writes; no others */
    uint64_t offset[CHECK_OPERANDS]; /* elements before each operand in its buffer (4-bit codes: even) */
    int in_place;                    /* fake-quantize: y is x */
} check_case;

typedef struct check_result {
    void *out[CHECK_OPERANDS]; /* outputs, NULL for other operands; owned */
    uint64_t bytes[CHECK_OPERANDS];
} check_result;

/* A case of that operation with the default description. */
void check_case_init(check_case *c, const char *name, clq_operation operation);

/* Bytes that an operand of the case holds; 0 when the operation does not use it. */
uint64_t check_operand_bytes(const check_case *c, check_operand operand);
int check_operand_is_output(clq_operation operation, check_operand operand);

/* Whether the device has buffers for each operand of the case, between guards; counted as check_device_holds does. */
int check_device_holds_case(const check_case *c);

/*
 * Run the case. Fails the test when the operation fails, when it touched anything around its outputs, or when it
 * changed an input. `where` is for messages.
 */
void check_run(clq_context *context, const char *where, const check_case *c, check_result *result);
void check_result_free(check_result *result);

/* Fail with the first difference and all that is needed to reproduce it. */
void check_same(const check_case *c, const char *where, const check_result *want, const check_result *got);

/*
 * Run on the reference and on the device under every variant and compare. When `reference` is not NULL it receives the
 * reference's result, which the caller frees.
 */
void check_everywhere(const check_case *c, check_result *reference);

/*
 * Compare a result with the oracle: elements at both ends and up to `samples` others; ranges and parameters in full
 * when the tensor is not larger than that.
 */
void check_oracle(const check_case *c, const check_result *result, uint64_t samples);

/* check_takes, by the case's length, layout and offsets. */
int check_takes_case(const check_case *c);

/* check_everywhere and check_oracle with the result thrown away, if the case is taken: what most tests do with one. */
void check_case_fully(const check_case *c);

/* ---- the executable ---- */

int check_main(const char *name, const struct CMUnitTest *tests, size_t count);

#define CHECK_MAIN(name, tests)                                                                                        \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        return check_main(name, tests, sizeof(tests) / sizeof(tests)[0]);                                              \
    }

/* malloc that fails the test instead of returning NULL; 0 bytes give a pointer too. */
void *check_allocate(uint64_t bytes);

/* Print a line of the failure about to be reported, in the manner of printf. */
void check_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fail the test unless the call gave CLQ_OK; prints the error's story. Where the device's buffers are small
 * (check_is_small) and the story is that, the test is skipped. */
void check_ok(clq_status status, const clq_error *error, const char *what);

#endif
