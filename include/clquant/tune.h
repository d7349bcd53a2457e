/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be tuned for a device, and tables of it: numbers by which kernels are chosen, built and launched. No value
 * changes a byte of any result, and kernels that a table brings into use are compared with the reference like all
 * others. `clquant tune` searches them; docs/tuning.md tells how.
 */
#ifndef CLQUANT_TUNE_H
#define CLQUANT_TUNE_H

#include <clquant/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of clq_tunable.operations beside 1 << clq_operation. */
#define CLQ_TUNABLE_BATCH (UINT32_C(1) << 30)
#define CLQ_TUNABLE_GEMM (UINT32_C(1) << 31)

/* One number. Its texts and values are the library's own, and stay. */
typedef struct clq_tunable {
    const char *name;       /* "walk.lanes" */
    const char *unit;       /* of its values, for a person */
    const char *meaning;    /* likewise, a line */
    uint32_t operations;    /* whose time it can change */
    size_t value_count;     /* of values */
    const uint32_t *values; /* that it can have, in order */
} clq_tunable;

/* All there are, where `tunables` is not NULL; returns how many. None in a build without OpenCL. */
CLQ_API size_t clq_tunables(const clq_tunable **tunables);

/* A table is an array of these, as many as clq_tunables returns, in that order. */
typedef struct clq_tuned_value {
    uint32_t value;    /* one of the tunable's values */
    uint32_t is_tuned; /* it was found by timing; 0: it follows from the kind of device */
} clq_tuned_value;

/*
 * The table by which calls are decided that begin now, and the one of a device that nobody has tuned. All functions
 * below but this one give CLQ_UNSUPPORTED on the reference, which has nothing to tune.
 */
CLQ_API clq_status clq_tuning_present(const clq_context *context, clq_tuned_value *table, clq_error *error);
CLQ_API clq_status clq_tuning_untuned(const clq_context *context, clq_tuned_value *table, clq_error *error);

/*
 * Decide later calls by another table, until clq_context_set_cache, clq_context_add_programs or another call of this;
 * calls under way, and batches that were made before, go on as they began. The workspace of a plan made before may not
 * do any more: plan again.
 */
CLQ_API clq_status clq_tuning_use(clq_context *context, const clq_tuned_value *table, clq_error *error);

/* How many kernels were set aside under the present table that are not under the untuned one. */
CLQ_API clq_status clq_tuning_set_aside(const clq_context *context, size_t *count, clq_error *error);

/*
 * A table as text, ending with a zero byte, for a file; and back, whatever it holds: CLQ_BAD_FILE names the line. A
 * table of another device or platform is CLQ_UNSUPPORTED; one of another driver or version of the library is taken.
 */
#define CLQ_TUNING_TEXT_BYTES(tunables) (2048 + 64 * (tunables)) /* at most, of a table of so many */
CLQ_API clq_status clq_tuning_print(const clq_context *context, const clq_tuned_value *table, char *text,
                                    clq_error *error);
CLQ_API clq_status clq_tuning_parse(const clq_context *context, const char *text, size_t bytes, clq_tuned_value *table,
                                    clq_error *error);

/*
 * Keep a table beside the compiled programs, in the directory (clq_context_set_cache, which reads it) or in memory
 * (clq_context_keep_programs), for this device, driver and version, and use it. `path` receives where it is; NULL:
 * nobody wants to know.
 */
CLQ_API clq_status clq_tuning_store(clq_context *context, const clq_tuned_value *table, char *path, size_t capacity,
                                    clq_error *error);

#ifdef __cplusplus
}
#endif

#endif
