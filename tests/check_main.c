/* SPDX-License-Identifier: Apache-2.0 */
/* The main of a test program: which tests run, from which seed. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

/* cmocka calls this before each test, so that a test repeats by itself (CLQ_TEST_FILTER) as in the whole run. */
static int begin_test(void **state)
{
    (void)state;
    check_restart_generator();
    check_sample_restart();
    return 0;
}

static int end_tests(void **state)
{
    check_sample_print();
    return check_close_contexts(state);
}

int check_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
    struct CMUnitTest *seeded = malloc(count * sizeof *seeded);
    const char *filter = getenv("CLQ_TEST_FILTER");
    int failed;
    if (seeded == NULL) {
        return 1;
    }
    memcpy(seeded, tests, count * sizeof *seeded);
    for (size_t i = 0; i < count; i++) {
        seeded[i].setup_func = begin_test;
    }
    check_set_seed();
    if (filter != NULL && filter[0] != '\0') {
        size_t chosen = 0;
        for (size_t i = 0; i < count; i++) {
            chosen += fnmatch(filter, tests[i].name, 0) == 0;
        }
        if (chosen == 0) {
            check_print("%s: no test is called CLQ_TEST_FILTER=%s", name, filter);
            free(seeded);
            return 1;
        }
        cmocka_set_test_filter(filter);
    }
    check_print("%s: CLQ_TEST_SEED=%" PRIu64, name, check_seed());
    if (!check_sample_begin()) {
        free(seeded);
        return 1;
    }
    failed = _cmocka_run_group_tests(name, seeded, count, check_open_contexts, end_tests);
    free(seeded);
    if (failed != 0) {
        return 1;
    }
    return check_something_was_skipped() ? CHECK_SKIPPED : 0;
}
