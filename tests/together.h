/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a call of <clquant/files.h> that run at the same time, as threads whose numbers go through memory. */
#ifndef CLQ_TESTS_TOGETHER_H
#define CLQ_TESTS_TOGETHER_H

#include <pthread.h>

#include <clquant/files.h>

typedef clq_status together_function(clq_context *, const clq_file_request *, const clq_file_events *,
                                     clq_file_report **, clq_error *);

/* What all parts share: a round is over when all have handed in their numbers. */
typedef struct together {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t parts, arrived;
    uint64_t rounds;      /* that are over */
    int is_over;          /* a part has failed: nobody waits */
    uint64_t *numbers[2]; /* of this round and the one before, which some may still have to copy */
    size_t count;
    clq_reduction how;
    int differs;       /* parts that are not at the same place */
    const char *other; /* the input of the second part, where it is another */
    uint32_t failing;  /* the part that fails, from 1; 0: none */
    uint64_t fails_at; /* in this round */
    long stops_at;     /* all are told to stop when they have asked so many times; 0: never */
    long asked;
} together;

typedef struct together_part {
    together *all;
    const clq_file_request *request;
    together_function *function;
    uint32_t part;
    clq_status status;
    clq_error error;
    clq_file_report *report;
    pthread_t thread;
} together_part;

/* Run all->parts of them, at most as many as `parts` has room for, whose reports are the caller's. */
void together_run(together_function *function, const clq_file_request *request, together *all, together_part *parts);

/* A report as text, malloc'ed: all but times and what the number of pieces decides, bit for bit. */
char *together_text(const clq_file_report *report);

#endif
