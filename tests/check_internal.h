/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the harness (check*.c) share. */
#ifndef CLQ_TESTS_CHECK_INTERNAL_H
#define CLQ_TESTS_CHECK_INTERNAL_H

#include "check.h"

/* Note that a case of the operation ran under that variant of it; the program tells at its end how many did. */
void check_count_run(const char *operation, const char *variant);

/*
 * cmocka turns a crash into a failed test and goes on with the next one; after a crash inside a driver or a lock that
 * ends in a hang. From here to the end of the test a crash ends the program instead.
 */
void check_crashes_end_the_program(void);

/* How many kernels the device has set aside so far for being wrong, which leaves nothing of them to test. One that is
 * too large for the device is no fault of its own. */
int check_kernels_set_aside(void);

/* The contexts of a program, as cmocka has them opened and closed, with what ran on them told; and what was skipped. */
int check_open_contexts(void **state);
int check_close_contexts(void **state);
int check_something_was_skipped(void);

/* CLQ_TEST_SAMPLE: read when a program begins (0: it is no number), begun anew by each test, summed up at the end. */
int check_sample_begin(void);
void check_sample_restart(void);
void check_sample_print(void);

/* The seed: CLQ_TEST_SEED, or another in each run; and the generator as each test begins. */
void check_set_seed(void);
void check_restart_generator(void);

uint32_t check_word_at(const void *array, uint64_t index);
void check_print_f32(const char *what, uint32_t bits);
const char *check_operand_name(check_operand operand);
int check_operand_is_input(clq_operation operation, check_operand operand);
uint64_t check_stored_bytes(const check_case *c, check_operand operand, uint64_t count); /* of so many elements */
void check_print_case(const check_case *c, const char *where);
void check_print_inputs_of_element(const check_case *c, const void *scale, const void *zero_point, uint64_t index);
void check_count_layout(const check_case *c, uint64_t *elements, uint64_t *parameters);
void check_print_range_of_parameter(const check_case *c, const check_result *result, uint64_t p);

#endif
