/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that ranks hand to each other: `exchange` and `among` of cli_ranks. */
#ifndef CLQ_HOST_MPI_EXCHANGE_H
#define CLQ_HOST_MPI_EXCHANGE_H

#include "command/frame/ranks.h"

clq_status clq_mpi_exchange(void *cookie, const char *text, char **all, size_t *count, clq_error *error);

/* Called by all ranks: from now on only those exchange that are `in`. */
void clq_mpi_among(int in);

/* Before MPI is finalized. */
void clq_mpi_exchange_end(void);

#endif
