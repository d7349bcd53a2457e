/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

void refusal_check(clq_status got, clq_status want, const clq_error *error, const char *part, const char *file,
                   int line)
{
    if (got != want) {
        fail_msg("%s:%d: status %s, want %s (%s)", file, line, clq_status_name(got), clq_status_name(want),
                 got == CLQ_OK ? "" : error->message);
    }
    if (error->status != want) {
        fail_msg("%s:%d: error.status is %s, want %s", file, line, clq_status_name(error->status),
                 clq_status_name(want));
    }
    if (strstr(error->message, part) == NULL || strchr(error->message, '\n') != NULL) {
        fail_msg("%s:%d: '%s' has no '%s' or is not one line", file, line, error->message, part);
    }
}
