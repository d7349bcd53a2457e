/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clquant-mpi: the command, started by mpirun as several processes (ranks) that see the same files. `quantize` is done
 * in parts, one by each rank, and joined by the first; of other verbs that read models each rank does its share, and
 * the first tells what all have found. Nothing but what is found and the verdicts of ranks is sent: data is read where
 * it is needed, and written in its place.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <mpi.h>

#include "command/frame/ranks.h"
#include "core/hash.h"
#include "mpi/exchange.h"
#include "mpi/progress.h"

static cli_ranks ranks;

/* MPI ends all ranks, this one too, when one of its calls fails: its default, which is not changed. */
static clq_status reduce(void *cookie, clq_reduction how, uint64_t *numbers, size_t count, clq_error *error)
{
    (void)cookie;
    CLQ_REQUIRE(count <= INT_MAX, "%zu numbers are more than MPI takes at once", count);
    MPI_Allreduce(MPI_IN_PLACE, numbers, (int)count, MPI_UINT64_T, how == CLQ_REDUCE_SUM ? MPI_SUM : MPI_MAX,
                  MPI_COMM_WORLD);
    return CLQ_OK;
}

/* What is wrong for all is found by all at about the same time: the first rank tells it and ends the others. */
static void hold(void)
{
    const struct timespec moment = {1, 0};
    if (ranks.rank > 0) {
        nanosleep(&moment, NULL);
    }
}

/* What was said is read by whoever started the rank, who ends with it when the job is aborted: a second at most. */
static void await_reader(int fd)
{
    const struct timespec moment = {0, 10 * 1000 * 1000};
    int unread = 0;
    for (int i = 0; i < 100 && ioctl(fd, FIONREAD, &unread) == 0 && unread > 0; i++) {
        nanosleep(&moment, NULL);
    }
}

/* A rank that failed ends those that wait for it here, or elsewhere. */
static void settle(int code)
{
    if (code != CLI_OK) {
        fflush(NULL);
        await_reader(STDOUT_FILENO);
        await_reader(STDERR_FILENO);
        MPI_Abort(MPI_COMM_WORLD, code);
    }
    clq_mpi_progress_settle();
    MPI_Barrier(MPI_COMM_WORLD);
}

static int finish(int code)
{
    fflush(NULL);
    clq_mpi_progress_settle();
    MPI_Bcast(&code, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return code;
}

static unsigned rank_on_machine(void)
{
    MPI_Comm machine;
    int local = 0;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &local);
    MPI_Comm_free(&machine);
    return (unsigned)local;
}

/* Of the version and all arguments. */
static uint64_t hash_command(int argc, char **argv)
{
    uint64_t hash = XXH64(clq_version(), strlen(clq_version()), 0);
    for (int i = 1; i < argc; i++) {
        hash = XXH64(argv[i], strlen(argv[i]) + 1, hash);
    }
    return hash;
}

/* Ranks of another version, or told to do something else, would make another output. */
static int are_alike(int argc, char **argv)
{
    const uint64_t own = hash_command(argc, argv);
    uint64_t least = own;
    uint64_t most = own;
    MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD);
    MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
    return least == most;
}

static int runs_in_ranks(int argc, char **argv)
{
    static const char *const VERBS[] = {"quantize", "minmax", "compare", "calibrate", "dequantize"};
    for (size_t i = 0; argc > 1 && i < sizeof VERBS / sizeof VERBS[0]; i++) {
        if (strcmp(argv[1], VERBS[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static int run(int argc, char **argv)
{
    int size = 1;
    int rank = 0;
    int code = CLI_USAGE;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    ranks = (cli_ranks){.rank = (unsigned)rank,
                        .count = (unsigned)size,
                        .local = rank_on_machine(),
                        .speaks = rank == 0,
                        .reduce = reduce,
                        .exchange = clq_mpi_exchange,
                        .among = clq_mpi_among,
                        .progress = clq_mpi_progress,
                        .hold = hold,
                        .settle = settle,
                        .finish = finish};
    if (size == 1 && !runs_in_ranks(argc, argv)) {
        return cli_main(argc, argv);
    }
    cli_ranks_use(&ranks);
    if (!are_alike(argc, argv)) {
        cli_message("the ranks differ in their version or arguments");
    } else if (!runs_in_ranks(argc, argv)) {
        cli_message("'%s' runs in one process, and these are %d: ranks share quantize, dequantize, minmax, compare and "
                    "calibrate",
                    argc > 1 ? argv[1] : "", size);
    } else {
        code = cli_main(argc, argv);
    }
    return code;
}

int main(int argc, char **argv)
{
    int given = 0;
    int code;
    /* The command works in threads, one of which at a time calls MPI. */
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &given) != MPI_SUCCESS) {
        return CLI_FAILURE;
    }
    if (given < MPI_THREAD_SERIALIZED) {
        fprintf(stderr, "clquant-mpi: this MPI cannot be called from a thread\n");
        MPI_Abort(MPI_COMM_WORLD, CLI_FAILURE);
    }
    clq_mpi_progress_begin();
    code = run(argc, argv);
    /* What the command's parser refuses, it refuses in all ranks, which end here together. */
    clq_mpi_exchange_end();
    clq_mpi_progress_end();
    MPI_Finalize();
    if (cli_device_is_left()) {
        _exit(code);
    }
    return code;
}
