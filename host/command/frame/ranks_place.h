/* SPDX-License-Identifier: Apache-2.0 */
/* Which ranks see the same folder: those of one machine, and of machines with a common file system. */
#ifndef CLQ_HOST_COMMAND_FRAME_RANKS_PLACE_H
#define CLQ_HOST_COMMAND_FRAME_RANKS_PLACE_H

#include "command/frame/ranks.h"

/* A rank among those that see the folder of the output as it does, in the order of ranks. */
typedef struct cli_rank_place {
    unsigned number, count; /* which of them it is, from 0, and how many there are */
    unsigned before;        /* ranks that see other folders, whose first is before the first of these */
} cli_rank_place;

/*
 * Find it: each rank makes a file and looks for those of the others. Called by all. Unless they may be `apart`, all
 * must see the same folder: else CLQ_INVALID_ARGUMENT in all of them.
 */
clq_status cli_find_rank_place(const cli_ranks *ranks, const char *output, int apart, cli_rank_place *place,
                               clq_error *error);

#endif
