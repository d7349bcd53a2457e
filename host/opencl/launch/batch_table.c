/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a batch: lists on the host, runs of equal cost, and one piece of device memory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "opencl/launch/batch.h"
#include "opencl/runtime/memory.h"

enum { LATEST_SCHEMES = 16 };

static void init_list(clq_cl_list *list, size_t item_bytes)
{
    memset(list, 0, sizeof *list);
    list->item_bytes = item_bytes;
}

static void clear_list(clq_cl_list *list)
{
    free(list->items);
    init_list(list, list->item_bytes);
}

void clq_cl_table_init(clq_cl_table *table)
{
    memset(table, 0, sizeof *table);
    init_list(&table->calls, sizeof(tensor_call));
    init_list(&table->schemes, sizeof(scheme_call));
    init_list(&table->cuts, sizeof(batch_cut));
    init_list(&table->numbers, sizeof(cl_uint));
}

void clq_cl_table_release(clq_cl_table *table)
{
    clear_list(&table->calls);
    clear_list(&table->schemes);
    clear_list(&table->cuts);
    clear_list(&table->numbers);
    if (table->memory != NULL) {
        (void)clReleaseMemObject(table->memory);
        table->memory = NULL;
    }
}

clq_status clq_cl_list_append(clq_cl_list *list, const void *item, clq_error *error)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 16;
        void *grown =
            capacity <= SIZE_MAX / 2 / list->item_bytes ? realloc(list->items, capacity * list->item_bytes) : NULL;
        if (grown == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the table of a batch");
        }
        list->items = grown;
        list->capacity = capacity;
    }
    memcpy((char *)list->items + list->count * list->item_bytes, item, list->item_bytes);
    list->count++;
    return CLQ_OK;
}

clq_status clq_cl_table_scheme(clq_cl_table *table, const clq_scheme *scheme, uint32_t *number, clq_error *error)
{
    const scheme_call *known = table->schemes.items;
    const size_t count = table->schemes.count;
    scheme_call made;
    clq_cl_scheme_describe(scheme, &made);
    for (size_t i = count; i > 0 && i + LATEST_SCHEMES > count; i--) {
        if (memcmp(&known[i - 1], &made, sizeof made) == 0) {
            *number = (uint32_t)(i - 1);
            return CLQ_OK;
        }
    }
    *number = (uint32_t)count;
    return clq_cl_list_append(&table->schemes, &made, error);
}

/* ---- runs ---- */

static clq_status append_cut(clq_cl_table *table, uint64_t first_cut, uint64_t item, uint64_t unit, clq_error *error)
{
    const batch_cut cut = {unit, (cl_uint)item, 0};
    const batch_cut *last =
        table->cuts.count > first_cut ? (const batch_cut *)table->cuts.items + table->cuts.count - 1 : NULL;
    if (last != NULL && last->item == item && last->unit == unit) {
        return CLQ_OK; /* no run is empty: minmax counts on each to write what it found */
    }
    return clq_cl_list_append(&table->cuts, &cut, error);
}

/* The k-th of `runs` parts of `total`, without overflow. */
static uint64_t share(uint64_t total, uint64_t k, uint64_t runs)
{
    return total / runs * k + total % runs * k / runs;
}

clq_status clq_cl_table_cut(clq_cl_table *table, uint64_t first_item, const clq_cl_work *work, size_t count,
                            uint64_t most, uint64_t least, clq_cl_runs *runs, clq_error *error)
{
    const uint64_t first_cut = table->cuts.count;
    uint64_t total = 0;
    uint64_t wanted;
    uint64_t behind = 0; /* cost of the tensors before */
    uint64_t k = 1;
    for (size_t i = 0; i < count; i++) {
        total += work[i].fixed_cost + work[i].units * work[i].unit_cost;
    }
    wanted = clq_size_max(clq_size_min(clq_size_divide_up(total, least), most), 1);
    CLQ_TRY(append_cut(table, first_cut, first_item, 0, error));
    for (size_t i = 0; i < count; i++) {
        const uint64_t end = behind + work[i].fixed_cost + work[i].units * work[i].unit_cost;
        for (; k < wanted && share(total, k, wanted) <= end; k++) {
            const uint64_t at = share(total, k, wanted) - behind;
            const uint64_t unit = at <= work[i].fixed_cost ? 0 : (at - work[i].fixed_cost) / work[i].unit_cost;
            const int is_inside = unit < work[i].units;
            CLQ_TRY(append_cut(table, first_cut, first_item + i + (is_inside ? 0 : 1), is_inside ? unit : 0, error));
        }
        behind = end;
    }
    CLQ_TRY(append_cut(table, first_cut, first_item + count, 0, error));
    runs->first_cut = first_cut;
    runs->runs = table->cuts.count - 1 - first_cut;
    return CLQ_OK;
}

/* ---- the upload ---- */

/* Where a list begins behind `*used` bytes, in items of its own. */
static uint64_t place(uint64_t *used, const clq_cl_list *list)
{
    const uint64_t at = clq_size_divide_up(*used, list->item_bytes);
    *used = (at + list->count) * list->item_bytes;
    return at;
}

static void copy(char *image, uint64_t at, const clq_cl_list *list)
{
    if (list->count > 0) {
        memcpy(image + at * list->item_bytes, list->items, list->count * list->item_bytes);
    }
}

/* Calls come first. */
uint64_t clq_cl_table_bytes(clq_cl_table *table)
{
    uint64_t bytes = 0;
    (void)place(&bytes, &table->calls);
    table->schemes_offset = place(&bytes, &table->schemes);
    table->cuts_offset = place(&bytes, &table->cuts);
    table->numbers_offset = place(&bytes, &table->numbers);
    return bytes;
}

void clq_cl_table_take_back(clq_cl_table *table, const clq_cl_table *before)
{
    table->calls.count = before->calls.count;
    table->schemes.count = before->schemes.count;
    table->cuts.count = before->cuts.count;
    table->numbers.count = before->numbers.count;
}

clq_status clq_cl_table_upload(clq_cl_table *table, const clq_context *context, clq_error *error)
{
    clq_status status;
    const uint64_t bytes = clq_cl_table_bytes(table);
    char *image;
    if (bytes == 0) {
        return CLQ_OK;
    }
    image = bytes <= SIZE_MAX ? calloc(1, (size_t)bytes) : NULL;
    if (image == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the table of a batch (%" PRIu64 " bytes)", bytes);
    }
    copy(image, 0, &table->calls);
    copy(image, table->schemes_offset, &table->schemes);
    copy(image, table->cuts_offset, &table->cuts);
    copy(image, table->numbers_offset, &table->numbers);
    status = clq_cl_memory_create(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, bytes, image,
                                  "the table of a batch", &table->memory, error);
    free(image);
    CLQ_TRY(status);
    clear_list(&table->calls);
    clear_list(&table->schemes);
    clear_list(&table->cuts);
    clear_list(&table->numbers);
    return CLQ_OK;
}
