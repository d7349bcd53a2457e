/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/exchange.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <mpi.h>

static MPI_Comm some; /* a copy, of those that exchange */
static int are_some;  /* it was made; else all do */

void clq_mpi_exchange_end(void)
{
    if (are_some && some != MPI_COMM_NULL) {
        MPI_Comm_free(&some);
    }
    are_some = 0;
}

void clq_mpi_among(int in)
{
    int rank = 0;
    clq_mpi_exchange_end();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, in ? 0 : MPI_UNDEFINED, rank, &some);
    are_some = 1;
}

/* Where each text begins among all, and its bytes: *count of each. */
typedef struct extents {
    int *begins, *bytes;
} extents;

static clq_status gather_extents(MPI_Comm comm, uint64_t own, int count, extents *e, uint64_t *all, clq_error *error)
{
    uint64_t *lengths = malloc((size_t)count * sizeof *lengths);
    e->begins = malloc((size_t)count * sizeof *e->begins);
    e->bytes = malloc((size_t)count * sizeof *e->bytes);
    *all = 0;
    if (lengths == NULL || e->begins == NULL || e->bytes == NULL) {
        free(lengths);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the texts of %d ranks", count);
    }
    MPI_Allgather(&own, 1, MPI_UINT64_T, lengths, 1, MPI_UINT64_T, comm);
    for (int i = 0; i < count && *all <= INT_MAX; i++) { /* each is in memory: no sum overflows */
        e->begins[i] = (int)*all;
        e->bytes[i] = lengths[i] <= INT_MAX ? (int)lengths[i] : 0;
        *all += lengths[i];
    }
    free(lengths);
    return *all <= INT_MAX
               ? CLQ_OK
               : clq_fail(error, CLQ_UNSUPPORTED, "the ranks tell more than MPI takes at once, %d bytes", INT_MAX);
}

clq_status clq_mpi_exchange(void *cookie, const char *text, char **all, size_t *count, clq_error *error)
{
    const MPI_Comm comm = are_some ? some : MPI_COMM_WORLD;
    const uint64_t own = strlen(text) + 1;
    extents e = {NULL, NULL};
    clq_status status = CLQ_OK;
    uint64_t bytes = 0;
    int ranks = 0;
    (void)cookie;
    *all = NULL;
    MPI_Comm_size(comm, &ranks);
    *count = (size_t)ranks;
    CLQ_TRY_TO(gather_extents(comm, own, ranks, &e, &bytes, error));
    *all = malloc((size_t)bytes);
    if (*all == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the texts of %d ranks", ranks));
    }
    MPI_Allgatherv(text, (int)own, MPI_CHAR, *all, e.bytes, e.begins, MPI_CHAR, comm);
done:
    free(e.begins);
    free(e.bytes);
    return status;
}
