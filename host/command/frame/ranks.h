/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that do one call of the command together, for a program that starts as many (mpi/). */
#ifndef CLQ_HOST_COMMAND_FRAME_RANKS_H
#define CLQ_HOST_COMMAND_FRAME_RANKS_H

#include "command/frame/cli.h"

/* How far a rank is, or all of them together: as clq_file_progress says. */
typedef struct cli_rank_progress {
    uint64_t done_bytes, all_bytes, skipped_bytes;
} cli_rank_progress;

typedef struct cli_ranks {
    unsigned rank, count;
    unsigned local; /* number of the rank among those of this machine */
    int speaks;     /* whether messages are printed; what all ranks say alike is said by the first */
    /* As clq_file_events says. */
    clq_status (*reduce)(void *cookie, clq_reduction how, uint64_t *numbers, size_t count, clq_error *error);
    clq_status (*exchange)(void *cookie, const char *text, char **all, size_t *count, clq_error *error);
    /* Called by all ranks: from now on only those exchange that are `in`. */
    void (*among)(int in);
    /* Called as often as a rank likes, without waiting for any other: that of the first becomes that of all, as far as
     * it has heard of it. */
    void (*progress)(cli_rank_progress *progress);
    /* Before a failure of this rank alone is told: the failure of another may end this one instead. */
    void (*hold)(void);
    /* All ranks end their share with CLI_OK, or none of them returns. */
    void (*settle)(int code);
    /* All ranks have done their share, and end with the code that the first has come to. */
    int (*finish)(int code);
} cli_ranks;

/* NULL: the process is alone, which it is until cli_ranks_use. */
cli_ranks *cli_ranks_in_use(void);
void cli_ranks_use(cli_ranks *ranks);

/* Only the first rank speaks of what goes well. */
cli_options cli_options_of_rank(const cli_options *options, const cli_ranks *ranks);

#endif
