/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked with clquant-mpi, before MPI: counts the communicators and requests that it makes and gives back, and ends the
 * job with code 9 where MPI is finalized and some are left. MPI's own functions have the names PMPI_ beside these.
 *
 * With CLQ_TEST_FULL=RANK:BYTES no file that this rank writes grows beyond so many bytes, as on a full disk; MPI itself
 * has made its files by then.
 */
#define _XOPEN_SOURCE 700
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <mpi.h>

enum { LEFT = 9 };

static int communicators, requests;

static int made(int code, const MPI_Comm *comm)
{
    communicators += code == MPI_SUCCESS && *comm != MPI_COMM_NULL;
    return code;
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    const int code = PMPI_Init_thread(argc, argv, required, provided);
    const char *text = getenv("CLQ_TEST_FULL");
    char *end = NULL;
    int rank = 0;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (text != NULL && strtol(text, &end, 10) == rank && *end == ':') {
        const rlim_t bytes = (rlim_t)strtoul(end + 1, NULL, 10);
        const struct rlimit limit = {bytes, bytes};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    return code;
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *copy)
{
    return made(PMPI_Comm_dup(comm, copy), copy);
}

int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *part)
{
    return made(PMPI_Comm_split(comm, color, key, part), part);
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *part)
{
    return made(PMPI_Comm_split_type(comm, type, key, info, part), part);
}

int MPI_Comm_free(MPI_Comm *comm)
{
    communicators--;
    return PMPI_Comm_free(comm);
}

/* What is begun without waiting, and what waits for it. */
int MPI_Isend(const void *memory, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
    requests++;
    return PMPI_Isend(memory, count, type, to, tag, comm, request);
}

int MPI_Issend(const void *memory, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request)
{
    requests++;
    return PMPI_Issend(memory, count, type, to, tag, comm, request);
}

int MPI_Irecv(void *memory, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Request *request)
{
    requests++;
    return PMPI_Irecv(memory, count, type, from, tag, comm, request);
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)
{
    requests++;
    return PMPI_Ibarrier(comm, request);
}

int MPI_Iallreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request *request)
{
    requests++;
    return PMPI_Iallreduce(from, to, count, type, op, comm, request);
}

int MPI_Wait(MPI_Request *request, MPI_Status *status)
{
    requests -= *request != MPI_REQUEST_NULL;
    return PMPI_Wait(request, status);
}

int MPI_Test(MPI_Request *request, int *done, MPI_Status *status)
{
    const int was = *request != MPI_REQUEST_NULL;
    const int code = PMPI_Test(request, done, status);
    requests -= was && *done;
    return code;
}

int MPI_Request_free(MPI_Request *request)
{
    requests--;
    return PMPI_Request_free(request);
}

/* Libraries that MPI loads stay, so that a search for leaks can name those that are theirs. */
int dlclose(void *library)
{
    (void)library;
    return 0;
}

int MPI_Finalize(void)
{
    if (communicators != 0 || requests != 0) {
        fprintf(stderr, "%d communicators and %d requests are left\n", communicators, requests);
        PMPI_Abort(MPI_COMM_WORLD, LEFT);
    }
    return PMPI_Finalize();
}
