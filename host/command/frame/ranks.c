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
