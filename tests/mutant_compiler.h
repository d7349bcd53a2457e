/* SPDX-License-Identifier: Apache-2.0 */
/* Between the library and the compiler: sources and options are spoiled there, written down, and launches counted. */
#ifndef CLQ_TESTS_MUTANT_COMPILER_H
#define CLQ_TESTS_MUTANT_COMPILER_H

#include <stdio.h>

#include "mutant_source.h"

typedef struct mutant_compiler_state {
    mutant now;   /* without a name: nothing is spoiled */
    FILE *record; /* of the programs and kernels of a target; NULL: none is kept */
    const char *record_folder;
    /* What a trial costs a device with memory of its own, besides its time: each transfer is waited for. */
    unsigned launches, transfers;
} mutant_compiler_state;

extern mutant_compiler_state mutant_compiler;

#endif
