/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command in a process of its own, which can be made to die before any of the calls that change files: killed, or
 * with the whole machine, so that what was not flushed may be lost. Programs that use it wrap those calls (CMakeLists).
 */
#ifndef CLQ_TESTS_KILLED_RUN_H
#define CLQ_TESTS_KILLED_RUN_H

#include <stdint.h>

enum { KILLED_RUN_DIED = 99, KILLED_RUN_ARGUMENTS = 24 };

typedef struct killed_run {
    const char *out;     /* where stdout goes; NULL: nowhere */
    const char *err;     /* where stderr goes; NULL: nowhere */
    long die_before;     /* number, from 1, of the call that it does not live to make; 0: it lives */
    long fail_at;        /* number, from 1, of the call that fails, with EIO; 0: none does. With `racing` */
    int power_loss;      /* what was written and not flushed is lost, or not, piece by piece */
    uint64_t seed;       /* which pieces */
    double kill_after;   /* seconds until SIGKILL; 0: never */
    int racing;          /* work goes on while the journal is written; else each tensor is entered before the next */
    const char *version; /* of the library, when it is to be another */
} killed_run;

/*
 * Run `clquant` with arguments up to the first NULL; its exit code, KILLED_RUN_DIED when it did not get that far.
 * Tensors are entered in the journal at once, not every second.
 */
int killed_run_start(const killed_run *run, const char *const *arguments);

#endif
