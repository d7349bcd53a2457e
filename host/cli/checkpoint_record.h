/* SPDX-License-Identifier: Apache-2.0 */
/* What a journal says of a finished tensor, in a line: pure functions. */
#ifndef CLQ_CLI_CHECKPOINT_RECORD_H
#define CLQ_CLI_CHECKPOINT_RECORD_H

#include "plan.h"

/* Room for a line, with a NUL. */
enum { CLI_RECORD_BYTES = 400 };

/* Of the tensor's bytes in the output; what the output has not is 0. */
typedef struct cli_record_hashes {
    uint64_t codes, scale, zero_point; /* `codes`: also of a tensor that is copied */
} cli_record_hashes;

/*
 * "tensor" and numbers in hexadecimal: its place in the model, the hash of its bytes and, when it is quantized, the
 * other hashes, the form of its zero points, its errors and the facts that the report's table shows.
 */
void cli_record_format(const cli_plan_tensor *tensor, const cli_record_hashes *hashes, char line[CLI_RECORD_BYTES]);

/*
 * Read such a line: the facts go to the plan's tensor, which counts as written then. NULL when the line is none, or
 * tells what cannot be of this plan, or tells of a tensor a second time.
 */
cli_plan_tensor *cli_record_parse(const char *line, size_t length, cli_plan *plan, cli_record_hashes *hashes);

#endif
