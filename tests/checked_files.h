/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs under --check: what is called, on files of the test's own. */
#ifndef CLQ_TESTS_CHECKED_FILES_H
#define CLQ_TESTS_CHECKED_FILES_H

#include "check.h"

enum { CHECKED_COLUMNS = 1999 };

/* Under the scratch folder's `name`: so many tensors "w", "w1", "w2" and so on of F32, [rows, CHECKED_COLUMNS], of
 * `next`. */
const char *checked_files_write(const char *name, size_t tensors, uint64_t rows, double (*next)(void));

/* What is called, which operation of it is wrong, and with how much memory. */
typedef struct checked_verb {
    const char *name;
    clq_status (*call)(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                       clq_file_report **report, clq_error *error);
    clq_operation wrong;
    unsigned mebibytes;
    clq_granularity granularity;
    clq_dtype dtype; /* of quantize and dequantize */
    const char *method;
    clq_preset preset;
} checked_verb;

/* Of dequantize `quantized` is read, of the others `*plain`, which stays where it is. */
typedef struct checked_files {
    const char *plain, *quantized, *output;
} checked_files;

clq_file_request checked_files_request(const checked_verb *v, const checked_files *files, clq_file_check check,
                                       uint64_t seed);

#endif
