/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is compared with the reference: a device by OpenCL, or native. All else of a run is the same for both: the list
 * of cases, their inputs, the comparison, the verdicts. What a subject has of its own is a table of functions.
 */
#ifndef CLQ_HOST_VERIFY_SUBJECT_H
#define CLQ_HOST_VERIFY_SUBJECT_H

#include "verify/case.h"

typedef struct clq_verify_fault clq_verify_fault;

/* What a run wants to know of its subject's work; as in the events of clq_verify. */
typedef struct clq_verify_hooks {
    void *cookie;
    int (*compiles)(void *cookie, const char *file, const char *options);
    int (*launches)(void *cookie, const char *file, const char *options);
} clq_verify_hooks;

struct clq_verify_subject {
    /* ---- its cases ---- */

    clq_status (*add)(clq_verify_items *items, clq_error *error); /* all of them, by functions of item.h */
    const char *(*variant_name)(const clq_verify_item *item);
    /* In a quick run some programs are left out: by number of the real type, and of codes. */
    int (*takes_program)(const clq_verify_items *items, const clq_verify_item *item, uint32_t real, uint32_t code);
    int (*takes_tensor)(const clq_verify_items *items, const clq_verify_item *item, const clq_task *task);
    int (*takes_in_batch)(const clq_verify_item *item, const clq_task *task);
    int (*takes_product)(const clq_verify_items *items, const clq_verify_item *item);
    /* Which of so many ways to cut, and of schemes. */
    clq_verify_cut (*cut)(const clq_verify_item *item, uint32_t number);
    uint32_t (*scheme)(const clq_verify_items *items, const clq_verify_item *item, uint32_t number);

    /* ---- where they run ---- */

    /* A place like the given context: another of the same kind, in which nothing is trusted or set aside. */
    clq_status (*open)(clq_context *given, const clq_verify_hooks *hooks, void **place, clq_context **own,
                       clq_error *error);
    clq_status (*begin)(void *place, const char *reproduce, clq_error *error); /* before the first case */
    /* A described case: its arena is filled then, and must be released. */
    clq_status (*run)(void *place, clq_verify_work *work, clq_error *error);
    clq_status (*recover)(void *place, clq_error *error); /* after a failure */
    void (*close)(void *place, clq_status status);
    /* The case once more, while its launches are kept for a program in `folder`; withheld, they are not made. NULL:
     * there are no such programs of it. */
    clq_status (*write_fault)(void *place, clq_verify_work *work, clq_verify_fault *fault, int withholds,
                              const char *folder, int *is_written, clq_error *error);
};

extern const clq_verify_subject clq_verify_device; /* device_table.c */
extern const clq_verify_subject clq_verify_native; /* native_table.c */

/* NULL: the context is of the reference. */
const clq_verify_subject *clq_verify_subject_of(const clq_context *context);

#endif
