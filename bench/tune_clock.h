/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time that a search has. It is looked at before each step, and within those that compile, before each kernel: what
 * would not be over in time, by the longest of its kind so far, is not begun.
 */
#ifndef CLQ_BENCH_TUNE_CLOCK_H
#define CLQ_BENCH_TUNE_CLOCK_H

#include <pthread.h>

/* What time goes into. */
typedef enum tune_step {
    TUNE_MAKES = 0,    /* operands, and what the reference makes of them */
    TUNE_COMPILES = 1, /* all kernels of a row, compared with the reference */
    TUNE_TIMES = 2,    /* a turn */
    TUNE_KERNEL = 3,   /* of those of a row: one that is compiled, or a case of it that is compared */
    TUNE_STEPS = 4
} tune_step;

/* Zeros at first. */
typedef struct tune_clock {
    double longest[TUNE_STEPS]; /* seconds that each took so far */
    int (*stop)(void);          /* asked by others than the time; may be NULL */
    double end;                 /* of the time, by bench_now */
    double begun, asked;        /* of the present step, and of the kernel in it */
    tune_step step;
    int is_over;
    pthread_t owner; /* the thread whose steps these are */
} tune_clock;

/* Steps begin, in the caller's thread, for which there is time until `end`. */
void tune_clock_start(tune_clock *clock, int (*stop)(void), double end);

/* Whether a step may begin, unless the one before had the time's end already. */
int tune_clock_begin(tune_clock *clock, tune_step step);

/* For clq_context_set_cancel; `clock` is a tune_clock. */
int tune_clock_stops(void *clock);

/* No step is at work: who asks tune_clock_stops is told what `stop` says. */
void tune_clock_end(tune_clock *clock);

#endif
