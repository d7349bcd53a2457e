/* SPDX-License-Identifier: Apache-2.0 */
/* A report being made. */
#ifndef CLQ_HOST_VERIFY_REPORT_H
#define CLQ_HOST_VERIFY_REPORT_H

#include <clquant/verify.h>

#include "core/error.h"

enum { CLQ_VERIFY_MOST_OPERATIONS = 64, CLQ_VERIFY_OPERATION_NAME = 32 };

typedef struct clq_verify_report_made {
    clq_verify_report report; /* first: what the caller has the address of */
    clq_verify_case *cases;
    size_t capacity;
    char operations[CLQ_VERIFY_MOST_OPERATIONS][CLQ_VERIFY_OPERATION_NAME];
} clq_verify_report_made;

/* The status of a run that went through all cases, and its story; of the failures the first one's is `first_failure`.
 */
clq_status clq_verify_conclude(const clq_verify_report *report, const clq_error *first_failure, clq_error *error);

#endif
