/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rank sends where it is to the first, a few times a second and not before what it sent last was taken, so that
 * nobody waits and no more than a message of each is ever on its way. The first takes what is there when it has
 * something to show itself.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "mpi/progress.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mpi.h>

enum { DONE, ALL, SKIPPED, IS_LAST, NUMBERS };

/* Between messages of a rank; and for each rank, so that the first has a thousand to take in two seconds. */
static const double LEAST_SECONDS = 0.2;
static const double RANK_SECONDS = 0.002;

static MPI_Comm ranks;
static int rank, count;
static uint64_t sent[NUMBERS]; /* stays until it is taken */
static MPI_Request sending;    /* MPI_REQUEST_NULL: nothing is on its way */
static double next;            /* when the rank sends again */
static uint64_t *others;       /* of the first: NUMBERS of each rank, the last it heard of; NULL without memory */
static int ended;              /* ranks that have sent their last */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void clq_mpi_progress_begin(void)
{
    sending = MPI_REQUEST_NULL;
    MPI_Comm_dup(MPI_COMM_WORLD, &ranks);
    MPI_Comm_rank(ranks, &rank);
    MPI_Comm_size(ranks, &count);
    others = rank == 0 ? calloc((size_t)count * NUMBERS, sizeof *others) : NULL;
}

void clq_mpi_progress_end(void)
{
    MPI_Comm_free(&ranks);
    free(others);
}

static void take(int from)
{
    uint64_t heard[NUMBERS];
    MPI_Status status;
    MPI_Recv(heard, NUMBERS, MPI_UINT64_T, from, 0, ranks, &status);
    ended += heard[IS_LAST] != 0;
    if (others != NULL && !heard[IS_LAST]) {
        memcpy(others + (size_t)status.MPI_SOURCE * NUMBERS, heard, sizeof heard);
    }
}

static void add_others(cli_rank_progress *progress)
{
    MPI_Status status;
    int there = 1;
    while (MPI_Iprobe(MPI_ANY_SOURCE, 0, ranks, &there, &status) == MPI_SUCCESS && there) {
        take(status.MPI_SOURCE);
    }
    for (int i = 1; others != NULL && i < count; i++) {
        const uint64_t *heard = others + (size_t)i * NUMBERS;
        progress->done_bytes += heard[DONE];
        progress->all_bytes += heard[ALL];
        progress->skipped_bytes += heard[SKIPPED];
    }
}

static void send_own(const cli_rank_progress *progress)
{
    const double time = now();
    int is_taken = 0;
    MPI_Test(&sending, &is_taken, MPI_STATUS_IGNORE);
    if (!is_taken || time < next) {
        return;
    }
    next = time + LEAST_SECONDS + RANK_SECONDS * count;
    sent[DONE] = progress->done_bytes;
    sent[ALL] = progress->all_bytes;
    sent[SKIPPED] = progress->skipped_bytes;
    MPI_Issend(sent, NUMBERS, MPI_UINT64_T, 0, 0, ranks, &sending);
}

void clq_mpi_progress(cli_rank_progress *progress)
{
    if (rank == 0) {
        add_others(progress);
    } else {
        send_own(progress);
    }
}

void clq_mpi_progress_settle(void)
{
    const uint64_t last[NUMBERS] = {[IS_LAST] = 1};
    if (rank > 0) {
        MPI_Wait(&sending, MPI_STATUS_IGNORE);
        MPI_Send(last, NUMBERS, MPI_UINT64_T, 0, 0, ranks);
        next = 0.0;
        return;
    }
    while (ended < count - 1) {
        take(MPI_ANY_SOURCE);
    }
    ended = 0;
    if (others != NULL) {
        memset(others, 0, (size_t)count * NUMBERS * sizeof *others);
    }
}
