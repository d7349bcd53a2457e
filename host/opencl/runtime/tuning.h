/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of what kernels/tunables.def lists. A table never changes and lives as long as its context, so that a decision
 * keeps the one that it was made by; another one serves later calls. Reading the present one is an atomic load.
 */
#ifndef CLQ_HOST_OPENCL_RUNTIME_TUNING_H
#define CLQ_HOST_OPENCL_RUNTIME_TUNING_H

#include <pthread.h>

#include <clquant/tune.h>

#include "core/executor.h"

typedef enum clq_tunable_number {
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    CLQ_TUNE_##identifier,
#include "tunables.def"
    CLQ_TUNE_COUNT
} clq_tunable_number;

/* Programs of different tables have verdicts of their own: so many kinds of table there can be in one context. */
enum { CLQ_CL_PROGRAM_SETS = 256 };

typedef struct clq_cl_tuning {
    uint32_t values[CLQ_TUNE_COUNT];
    uint8_t is_tuned[CLQ_TUNE_COUNT]; /* 1: from a table, not by the kind of device */
    size_t program_set;               /* tables with the same have the same programs; 0: those of an untuned device */
    char programs[24]; /* which, for the note of a verdict on disk; empty for those of an untuned device */
    struct clq_cl_tuning *next;
} clq_cl_tuning;

typedef struct clq_cl_tunings {
    _Atomic(const clq_cl_tuning *) present;
    pthread_mutex_t lock; /* the list */
    clq_cl_tuning *first; /* the latest; the last is that of an untuned device */
    size_t program_sets;
} clq_cl_tunings;

/* The table of an untuned device: by its kind. */
clq_status clq_cl_tunings_init(clq_cl_tunings *tunings, const clq_device_info *info, clq_error *error);
void clq_cl_tunings_destroy(clq_cl_tunings *tunings);

/* The table that a call which begins now is decided by. */
const clq_cl_tuning *clq_cl_tuning_of(const clq_context *context);

/* The table of the device as the library knows it, before anyone tuned it. */
const clq_cl_tuning *clq_cl_tuning_untuned(const clq_context *context);

/* As clquant/tune.h has it. */
void clq_cl_tuning_copy(const clq_cl_tuning *tuning, clq_tuned_value *table);

/*
 * Later calls are decided by this table, whose values must be ones that kernels/tunables.def lists. CLQ_UNSUPPORTED
 * when the context has had too many kinds of programs.
 */
clq_status clq_cl_tuning_set(clq_context *context, const clq_tuned_value *table, clq_error *error);

const clq_tunable *clq_cl_tunable(clq_tunable_number number);

/* Refuse a table with a value that kernels/tunables.def does not list. */
clq_status clq_cl_tuning_check(const clq_tuned_value *table, clq_error *error);

/* "; tuned" for the reason of a plan where a value is that the time of one of these operations depends on; or "". */
const char *clq_cl_tuned_text(const clq_cl_tuning *tuning, uint32_t operations);

#endif
