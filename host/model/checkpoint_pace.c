/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checkpoint_pace.h"

double clq_checkpoint_seconds(void)
{
    return 1.0;
}
