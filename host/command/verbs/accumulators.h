/* SPDX-License-Identifier: Apache-2.0 */
/* The accumulators on which a fixed-point multiplier is tried when nobody gives others (docs/numerics.md, section 7).
 */
#ifndef CLQ_HOST_COMMAND_VERBS_ACCUMULATORS_H
#define CLQ_HOST_COMMAND_VERBS_ACCUMULATORS_H

#include <stdint.h>

enum { CLI_ACCUMULATOR_BITS = 20, CLI_ACCUMULATORS = 2 * 4 * (CLI_ACCUMULATOR_BITS - 2) };

void cli_accumulators(int32_t samples[CLI_ACCUMULATORS]);

#endif
