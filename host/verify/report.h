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
    int is_unordered; /* what was left out stands behind the rest, as it was entered */
    clq_error first;  /* the story of the first case that failed; CLQ_OK: none has one */
    size_t first_number;
    size_t logs[CLQ_VERIFY_LOGS]; /* the numbers of the cases that have a story */
    size_t log_count;
    char operations[CLQ_VERIFY_MOST_OPERATIONS][CLQ_VERIFY_OPERATION_NAME];
} clq_verify_report_made;

/* Cases by number, whatever was entered last. */
void clq_verify_report_order(const clq_verify_report *report);

#endif
