/* SPDX-License-Identifier: Apache-2.0 */
#include "tune_clock.h"

#include <math.h>

#include "bench.h"

static void end_kernel(tune_clock *c, double now)
{
    if (c->step == TUNE_COMPILES) {
        c->longest[TUNE_KERNEL] = fmax(c->longest[TUNE_KERNEL], now - c->asked);
    }
    c->asked = now;
}

void tune_clock_start(tune_clock *clock, int (*stop)(void), double end)
{
    clock->stop = stop;
    clock->end = end;
    clock->begun = clock->asked = bench_now();
    clock->step = TUNE_MAKES;
    clock->is_over = 0;
    clock->owner = pthread_self();
}

int tune_clock_begin(tune_clock *clock, tune_step step)
{
    const double now = bench_now();
    end_kernel(clock, now);
    clock->longest[clock->step] = fmax(clock->longest[clock->step], now - clock->begun);
    clock->begun = now;
    clock->step = step;
    clock->is_over = clock->is_over || now + clock->longest[step] >= clock->end;
    return !clock->is_over;
}

/* Threads that watch a compiler ask as well, while the owner waits for it. */
int tune_clock_stops(void *clock)
{
    tune_clock *c = clock;
    const double now = bench_now();
    const int is_stopped = c->stop != NULL && c->stop();
    if (!pthread_equal(pthread_self(), c->owner)) {
        return is_stopped || now >= c->end;
    }
    end_kernel(c, now);
    c->is_over = c->is_over || now + c->longest[TUNE_KERNEL] >= c->end;
    return is_stopped || c->is_over;
}

void tune_clock_end(tune_clock *clock)
{
    clock->end = INFINITY;
    clock->is_over = 0;
    clock->step = TUNE_MAKES;
}
