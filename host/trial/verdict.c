/* SPDX-License-Identifier: Apache-2.0 */
#include "trial/verdict.h"

#include <stdlib.h>

enum { BEING_TRIED = 0xFF };

clq_status clq_verdicts_init(clq_verdicts *verdicts, size_t count, clq_error *error)
{
    verdicts->entries = calloc(count, sizeof *verdicts->entries);
    if (verdicts->entries == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    pthread_mutex_init(&verdicts->lock, NULL);
    pthread_cond_init(&verdicts->changed, NULL);
    return CLQ_OK;
}

void clq_verdicts_destroy(clq_verdicts *verdicts)
{
    if (verdicts->entries != NULL) {
        pthread_cond_destroy(&verdicts->changed);
        pthread_mutex_destroy(&verdicts->lock);
        free(verdicts->entries);
    }
}

/* Acquire: what the one who tried it has made is seen by whoever trusts it. */
static unsigned char load(const clq_verdicts *verdicts, size_t entry)
{
    return atomic_load_explicit(&verdicts->entries[entry], memory_order_acquire);
}

clq_verdict clq_verdict_of(const clq_verdicts *verdicts, size_t entry)
{
    const unsigned char found = load(verdicts, entry);
    return found == BEING_TRIED ? CLQ_VERDICT_UNKNOWN : (clq_verdict)found;
}

int clq_verdict_is_aside(clq_verdict verdict)
{
    return verdict != CLQ_VERDICT_UNKNOWN && verdict != CLQ_VERDICT_TRUSTED;
}

int clq_verdict_claim(clq_verdicts *verdicts, size_t entry)
{
    int is_mine;
    pthread_mutex_lock(&verdicts->lock);
    while (load(verdicts, entry) == BEING_TRIED) {
        pthread_cond_wait(&verdicts->changed, &verdicts->lock);
    }
    is_mine = load(verdicts, entry) == CLQ_VERDICT_UNKNOWN;
    if (is_mine) {
        atomic_store_explicit(&verdicts->entries[entry], BEING_TRIED, memory_order_relaxed);
    }
    pthread_mutex_unlock(&verdicts->lock);
    return is_mine;
}

void clq_verdict_tell(clq_verdicts *verdicts, size_t entry, clq_verdict verdict)
{
    pthread_mutex_lock(&verdicts->lock);
    atomic_store_explicit(&verdicts->entries[entry], (unsigned char)verdict, memory_order_release);
    pthread_cond_broadcast(&verdicts->changed);
    pthread_mutex_unlock(&verdicts->lock);
}
