/* SPDX-License-Identifier: Apache-2.0 */
/* The report of clq_verify being made. */
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

/* Append a case; texts and the difference are copied. */
clq_status clq_verify_report_add(clq_verify_report_made *made, const clq_verify_case *what, clq_error *error);

#endif
