/* SPDX-License-Identifier: Apache-2.0 */
#include "command/frame/ranks.h"

static cli_ranks *in_use;

cli_ranks *cli_ranks_in_use(void)
{
    return in_use;
}

void cli_ranks_use(cli_ranks *ranks)
{
    in_use = ranks;
}

int cli_speaks(void)
{
    return in_use == NULL || in_use->speaks;
}

cli_options cli_options_of_rank(const cli_options *options, const cli_ranks *ranks)
{
    cli_options own = *options;
    if (ranks->rank > 0) {
        own.quiet = 1;
        own.verbose = 0;
        own.progress = CLI_PROGRESS_NEVER;
    }
    return own;
}
