/* SPDX-License-Identifier: Apache-2.0 */
#include "model/stretches.h"

#include <stdlib.h>

#include "core/size.h"
#include "model/pieces.h"

uint64_t clq_stretches_most(const clq_lane_set *set, uint64_t all_bytes)
{
    return set->count > 1 ? clq_pieces_for_devices(all_bytes) : 0;
}

static clq_status add(clq_stretches *stretches, const clq_stretch *stretch, clq_error *error)
{
    if (stretches->count == stretches->room) {
        const size_t room = stretches->room * 2 + 64;
        clq_stretch *larger = realloc(stretches->items, room * sizeof *larger);
        if (larger == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for %zu stretches of tensors", room);
        }
        stretches->items = larger;
        stretches->room = room;
    }
    stretches->items[stretches->count++] = *stretch;
    return CLQ_OK;
}

clq_status clq_stretches_add_whole(clq_stretches *stretches, size_t item, uint64_t bytes, clq_error *error)
{
    const clq_stretch whole = {item, bytes, 0, 0};
    return add(stretches, &whole, error);
}

/* Cut where a slot of that size would be, so that what goes together in parameters stays together where it can. */
clq_status clq_stretches_add(clq_stretches *stretches, size_t item, const clq_schedule_side *side, clq_window window,
                             size_t *count, clq_error *error)
{
    const uint64_t each = side->element_bytes;
    const uint64_t end = window.first + window.count;
    const uint64_t most = clq_size_max(stretches->most_bytes / each, 1);
    clq_chunker chunker;
    clq_chunk chunk;
    *count = 1;
    if (stretches->most_bytes == 0 || window.count <= most) {
        const clq_stretch all = {item, window.count * each, window.first, window.count};
        return add(stretches, &all, error);
    }
    CLQ_TRY(clq_chunker_init(&chunker, &side->q.layout, most, error));
    chunker.position = window.first;
    for (*count = 0; chunker.position < end; *count += 1) {
        chunker.limit = clq_size_min(most, end - chunker.position);
        (void)clq_chunker_next(&chunker, &chunk);
        CLQ_TRY(add(stretches, &(clq_stretch){item, chunk.count * each, chunk.first, chunk.count}, error));
    }
    return CLQ_OK;
}

void clq_stretches_release(clq_stretches *stretches)
{
    free(stretches->items);
}

clq_status clq_stretches_hand_out(const clq_stretches *stretches, clq_lane_set *set, clq_error *error)
{
    CLQ_TRY(clq_lanes_share(set, stretches->count, error));
    for (size_t i = 0; i < stretches->count; i++) {
        clq_claims_add(set->claims, i, stretches->items[i].bytes);
    }
    clq_claims_begin(set->claims);
    return CLQ_OK;
}

const clq_stretch *clq_stretches_claim(const clq_stretches *stretches, clq_lane *lane, clq_pass *pass)
{
    if (!clq_lane_claim(lane, &pass->tensor)) {
        return NULL;
    }
    pass->first = stretches->items[pass->tensor].first;
    pass->count = stretches->items[pass->tensor].count;
    return &stretches->items[pass->tensor];
}
