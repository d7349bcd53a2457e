/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/accumulators.h"

#include <stddef.h>

/*
 * 1, 3, 5 and 7 times 2^k with both signs, below 2^20. They spread over the magnitudes of accumulators evenly in the
 * logarithm, and the odd factors keep F0 * Q from being a plain shift of F0.
 */
void cli_accumulators(int32_t samples[CLI_ACCUMULATORS])
{
    size_t count = 0;
    for (int k = 0; k + 3 <= CLI_ACCUMULATOR_BITS; k++) {
        for (int32_t odd = 1; odd <= 7; odd += 2) {
            samples[count++] = odd * (INT32_C(1) << k);
            samples[count++] = -odd * (INT32_C(1) << k);
        }
    }
}
