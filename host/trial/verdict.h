/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of kernels, or of whatever else is compared with the reference before it is used. */
#ifndef CLQ_HOST_TRIAL_VERDICT_H
#define CLQ_HOST_TRIAL_VERDICT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/error.h"

typedef enum clq_verdict {
    CLQ_VERDICT_UNKNOWN = 0,
    CLQ_VERDICT_TRUSTED = 1,
    CLQ_VERDICT_DIFFERS = 2,   /* gives other bytes than the reference */
    CLQ_VERDICT_UNBUILT = 3,   /* the device's compiler refuses it */
    CLQ_VERDICT_TOO_LARGE = 4, /* takes work-groups that the device does not have for it */
    CLQ_VERDICT_UNUSABLE = 5,  /* cannot be made, given its arguments or started, though it builds */
    CLQ_VERDICT_NO_ROOM = 6,   /* no buffer of the device holds what it would be compared on */
} clq_verdict;

/* One entry for each kernel, by its number; the numbers are the owner's. */
typedef struct clq_verdicts {
    atomic_uchar *entries; /* clq_verdict, or that it is being tried */
    pthread_mutex_t lock;  /* for entries that are not known */
    pthread_cond_t changed;
} clq_verdicts;

clq_status clq_verdicts_init(clq_verdicts *verdicts, size_t count, clq_error *error);
void clq_verdicts_destroy(clq_verdicts *verdicts); /* zeroed ones too */

/* One atomic load. What is being tried is unknown. */
clq_verdict clq_verdict_of(const clq_verdicts *verdicts, size_t entry);
int clq_verdict_is_aside(clq_verdict verdict);

/*
 * Whether the caller is to try an entry and to tell the verdict, UNKNOWN if there is none. Waits while another thread
 * tries it; 0: it is known now.
 */
int clq_verdict_claim(clq_verdicts *verdicts, size_t entry);
void clq_verdict_tell(clq_verdicts *verdicts, size_t entry, clq_verdict verdict);

#endif
