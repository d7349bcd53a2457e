/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint_pace.h"

double cli_checkpoint_seconds(void)
{
    return 1.0;
}
