/* SPDX-License-Identifier: Apache-2.0 */
#include "model/nonfinite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void clq_nonfinite_merge(clq_nonfinite *whole, const clq_nonfinite *other)
{
    whole->count += other->count;
    whole->first_index = other->first_index < whole->first_index ? other->first_index : whole->first_index;
}

void clq_nonfinite_add(clq_nonfinite_tally *tally, const char *name, uint64_t count)
{
    if (count > 0 && tally->tensors < CLQ_NONFINITE_NAMES) {
        tally->names[tally->tensors] = name;
    }
    tally->tensors += count > 0;
    tally->elements += count;
}

clq_nonfinite_text clq_nonfinite_describe(const clq_nonfinite_tally *tally)
{
    clq_nonfinite_text out;
    size_t used =
        (size_t)snprintf(out.text, sizeof out.text, "%" PRIu64 " element%s of %zu tensor%s (", tally->elements,
                         tally->elements == 1 ? "" : "s", tally->tensors, tally->tensors == 1 ? "" : "s");
    for (size_t i = 0; i < tally->tensors && i < CLQ_NONFINITE_NAMES; i++) {
        char shown[100];
        clq_printable(shown, sizeof shown, tally->names[i], strlen(tally->names[i]));
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s'%s'", i > 0 ? ", " : "", shown);
    }
    snprintf(out.text + used, sizeof out.text - used, "%s)", tally->tensors > CLQ_NONFINITE_NAMES ? ", ..." : "");
    return out;
}
