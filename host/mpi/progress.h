/* SPDX-License-Identifier: Apache-2.0 */
/* How far all ranks are together, for the first to show: `progress` of cli_ranks. */
#ifndef CLQ_HOST_MPI_PROGRESS_H
#define CLQ_HOST_MPI_PROGRESS_H

#include "command/frame/ranks.h"

/* Once MPI is there, by all ranks; and before it is finalized. */
void clq_mpi_progress_begin(void);
void clq_mpi_progress_end(void);

void clq_mpi_progress(cli_rank_progress *progress);

/* All ranks are at the end of their shares: nothing is on its way any more, and what follows begins from nothing. */
void clq_mpi_progress_settle(void);

#endif
