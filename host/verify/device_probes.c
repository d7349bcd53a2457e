/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "verify/probe.h"

clq_status clq_verify_add_probes(clq_verify_items *items, const char *skipped, clq_error *error)
{
    clq_verify_item item;
    memset(&item, 0, sizeof item);
    item.family = CLQ_VERIFY_PROBE;
    item.program = items->programs++;
    item.skipped = skipped;
    for (const clq_verify_probe *probe = clq_verify_probes; probe->name != NULL; probe++) {
        item.of.probe.group = probe->group;
        item.of.probe.name = probe->name;
        item.of.probe.question = probe;
        item.number++;
        CLQ_TRY(clq_verify_items_add(items, &item, error));
    }
    return CLQ_OK;
}
