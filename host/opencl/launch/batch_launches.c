/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launches of one set of a batch:
 *
 *     minmax              partial ranges; fold, where a range or a count is not whole after it
 *     choose-parameters   one
 *     quantize, ...       one
 *     dynamic-quantize    these three in a row, or one fused launch for small tensors on a CPU device
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dtype.h"
#include "core/size.h"
#include "opencl/launch/batch.h"
#include "opencl/runtime/memory.h"

/* Least cost of a run and elements of a piece. A run of the trial is long enough for more than sixteen short segments,
 * which minmax folds together. */
enum { LEAST_TRIAL_RUN = 384, LEAST_TRIAL_PIECE = 256 };

/* Costs, in quarters of a block (clq_cl_work): of a tensor, a parameter made ready for the walk, one chosen. */
enum {
    COLUMN_LINES = 256,
    TENSOR_COST = 16,
    BLOCK_COST = 4,
    READY_COST = 16,
    CHOICE_COST = 80,
    TASK_COST = 16,
    LIST_COST = 8
};

typedef struct builder {
    clq_cl_batch *device;
    const clq_batch *batch;
    const clq_context *context;
    clq_cl_batch_set *set;
    uint64_t first_call;
    uint64_t partials; /* of minmax */
    uint64_t piece;    /* elements of one */
    uint32_t width;
    clq_cl_work *work; /* one for each tensor of the set */
} builder;

static const char *file_of(clq_operation operation, clq_batch_form form, const char **kernel)
{
    static const struct {
        clq_batch_form form;
        clq_operation operation;
        const char *file, *kernel;
    } rows[] = {
#define CLQ_BATCH_KERNEL(form, variant, operation, file, kernel, contract) {CLQ_BATCH_##form, operation, file, kernel},
#include "kernels.def"
    };
    size_t i = 0;
    while (rows[i].operation != operation || rows[i].form != form) {
        i++; /* every form that is chosen has a row */
    }
    *kernel = rows[i].kernel;
    return rows[i].file;
}

static uint32_t tuned(const clq_cl_batch *device, clq_tunable_number number)
{
    return device->tuning->values[number];
}

static uint32_t width_of(const clq_cl_batch *device, clq_batch_form form)
{
    return tuned(device, form == CLQ_BATCH_GRID ? CLQ_TUNE_BATCH_GRID_LANES : CLQ_TUNE_BATCH_LANES);
}

/* Work-items of a run. */
static uint32_t group_of(const clq_cl_batch *device, clq_batch_form form)
{
    const int side_by_side =
        form == CLQ_BATCH_GRID || (form == CLQ_BATCH_COLUMNS && tuned(device, CLQ_TUNE_BATCH_GRID));
    return side_by_side ? tuned(device, CLQ_TUNE_BATCH_GROUP) : 1;
}

static uint64_t most_runs(const builder *s)
{
    const uint64_t runs = clq_cl_target_items(s->context, tuned(s->device, CLQ_TUNE_BATCH_RUNS), s->device->is_trial);
    return clq_size_min(runs, clq_cl_scratch_items(s->context, 2 * CLQ_CL_FOUND_BYTES));
}

static uint64_t least_run(const clq_cl_batch *device)
{
    return device->is_trial ? LEAST_TRIAL_RUN : tuned(device, CLQ_TUNE_BATCH_RUN);
}

static uint32_t column_blocks(const builder *s)
{
    return tuned(s->device, CLQ_TUNE_COLUMNS_BLOCKS);
}

static tensor_call *call_of(const builder *s, size_t i)
{
    return (tensor_call *)s->device->table.calls.items + s->first_call + i;
}

static const clq_task *task_of(const builder *s, size_t i)
{
    return &s->batch->tasks[s->device->order[s->set->first + i]];
}

/* ---- calls ---- */

static int has_minmax(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

static int has_choice(clq_operation operation)
{
    return operation == CLQ_OP_CHOOSE_PARAMETERS || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

/* Elements of a piece; also no more than a quarter of a run, so that runs can be equal. */
static uint64_t piece_of(const builder *s)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        elements += task_of(s, i)->geometry.elements;
    }
    return clq_size_max(clq_size_divide_up(elements, 4 * most_runs(s)),
                        s->device->is_trial ? LEAST_TRIAL_PIECE : tuned(s->device, CLQ_TUNE_BATCH_PIECE));
}

/* Whether what the set writes is more than the device's cache holds, so that writing past it gains. */
static int is_large(const builder *s)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        bytes += clq_cl_moved_bytes(task_of(s, i), s->batch->operation);
    }
    return bytes > clq_cl_large_bytes(s->context, s->device->tuning);
}

/* Pieces of each segment. A trial leaves whole rounds of a work-group uncut: the last one ends where the segment does.
 */
static uint64_t pieces_of(const builder *s, const clq_geometry *g)
{
    const uint64_t round = (uint64_t)group_of(s->device, s->set->form) * s->width;
    const int is_whole = s->device->is_trial && round > s->width && g->segment % round == 0;
    return is_whole ? 1 : clq_size_max(clq_size_divide_up(g->segment, s->piece), 1);
}

/* How the set's form cuts a tensor; returns the partial ranges of minmax. */
static uint64_t cut_tensor(const builder *s, const clq_geometry *g, tensor_call *call)
{
    if (s->set->form == CLQ_BATCH_COLUMNS) {
        const uint32_t per_unit = tuned(s->device, CLQ_TUNE_WALK_ITEMS);
        /* Of the few items that a trial has, tiles of four columns would leave one for all lines. */
        const uint64_t items = s->device->is_trial ? clq_cl_column_items(s->context, per_unit, 1)
                                                   : clq_cl_target_items(s->context, per_unit, 0);
        const clq_columns c = clq_columns_of(s->context, s->device->tuning, g, s->width, column_blocks(s), items);
        return clq_cl_tensor_cut_columns(call, &c);
    }
    return clq_cl_tensor_cut(call, g, pieces_of(s, g), 1);
}

static clq_status append_calls(builder *s, clq_error *error)
{
    const clq_operation operation = s->batch->operation;
    const int large = is_large(s);
    s->partials = 0;
    s->first_call = s->device->table.calls.count;
    for (size_t i = 0; i < s->set->count; i++) {
        const clq_task *task = task_of(s, i);
        tensor_call r;
        clq_cl_tensor_describe(task, operation, large || (s->device->is_trial && i % 2 != 0), &r);
        if (has_choice(operation)) {
            CLQ_TRY(clq_cl_table_scheme(&s->device->table, &task->q->scheme, &r.scheme, error));
        }
        r.partial = s->partials;
        s->partials += cut_tensor(s, &task->geometry, &r);
        CLQ_TRY(clq_cl_list_append(&s->device->table.calls, &r, error));
    }
    return CLQ_OK;
}

/* ---- work ---- */

static uint64_t blocks_of(const builder *s, uint64_t elements)
{
    return clq_size_divide_up(elements, s->width);
}

static clq_cl_work walk_work(const builder *s, const tensor_call *r)
{
    const clq_cl_work work = {blocks_of(s, r->elements), BLOCK_COST + READY_COST * s->width / r->segment, TENSOR_COST};
    return work;
}

static clq_cl_work tile_work(const builder *s, const tensor_call *r)
{
    const uint64_t blocks = column_blocks(s);
    const clq_cl_work work = {r->tasks, blocks * (BLOCK_COST * r->per_item + READY_COST * s->width), TENSOR_COST};
    return work;
}

static clq_cl_work task_work(const builder *s, const tensor_call *r)
{
    const uint64_t elements = r->segment / clq_size_max(r->pieces, 1);
    /* Where there are bands, the elements of a task are read one by one, and by strips those of a vector of tasks. */
    const int has_bands = r->band < r->elements;
    const uint64_t blocks = has_bands ? r->band / r->channels : blocks_of(s, elements);
    const uint64_t tasks = has_bands && s->set->form == CLQ_BATCH_STRIP ? clq_size_min(s->width, r->channels) : 1;
    const clq_cl_work work = {r->tasks, clq_size_divide_up(BLOCK_COST * blocks + TASK_COST, tasks), TENSOR_COST};
    return work;
}

static clq_cl_work choice_work(const builder *s, const tensor_call *r)
{
    const clq_cl_work work = {r->parameters, CHOICE_COST, 1};
    (void)s;
    return work;
}

static clq_cl_work fused_work(const builder *s, const tensor_call *r)
{
    const clq_cl_work work = {
        1, 2 * BLOCK_COST * blocks_of(s, r->elements) + (READY_COST + CHOICE_COST) * r->parameters, TENSOR_COST};
    return work;
}

/* ---- launches ---- */

static void set_options(clq_cl_launch *launch, const builder *s, clq_operation operation)
{
    const clq_quantization *q = task_of(s, 0)->q;
    /* As for one tensor: types that a kernel does not touch make no other program of it. */
    const clq_dtype dtype = operation == CLQ_OP_FAKE_QUANTIZE || operation == CLQ_OP_MINMAX ? CLQ_S8 : q->scheme.dtype;
    if (operation == CLQ_OP_CHOOSE_PARAMETERS) {
        return;
    }
    clq_cl_tensor_options(launch, VARIANT_NONE, s->width, column_blocks(s), q->real);
    clq_cl_reading_options(launch, s->device->tuning, s->width);
    clq_cl_code_options(launch, dtype);
    clq_cl_launch_define(launch, "BATCH_COLUMNS", s->set->form == CLQ_BATCH_COLUMNS);
}

static void give_operand(const builder *s, clq_cl_batch_launch *l, clq_argument argument)
{
    l->operands[l->operand_count++] = task_of(s, 0)->arguments[argument].object;
}

/* One work-group for each run. */
static clq_status append_launch(const builder *s, clq_cl_batch_launch *l, const clq_cl_runs *runs, clq_error *error)
{
    l->first_cut = runs->first_cut;
    l->launch.grouping = CLQ_CL_GROUPS_BUILT;
    l->launch.dimensions = 1;
    l->launch.local[0] = group_of(s->device, s->set->form);
    l->launch.global[0] = (size_t)runs->runs;
    return clq_cl_list_append(&s->device->launches, l, error);
}

static clq_cl_batch_launch begin_launch(const builder *s, clq_operation operation, clq_batch_form form)
{
    clq_cl_batch_launch l;
    memset(&l, 0, sizeof l);
    l.launch.file = file_of(operation, form, &l.launch.kernel);
    set_options(&l.launch, s, operation);
    return l;
}

/* Cut the whole set by `work_of`; *units tells whether there is anything to do. */
static clq_status cut_set(builder *s, clq_cl_work (*work_of)(const builder *, const tensor_call *), clq_cl_runs *runs,
                          uint64_t *units, clq_error *error)
{
    *units = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        s->work[i] = work_of(s, call_of(s, i));
        *units += s->work[i].units;
    }
    return clq_cl_table_cut(&s->device->table, s->first_call, s->work, s->set->count, most_runs(s),
                            least_run(s->device), runs, error);
}

static clq_status add_walk(builder *s, clq_operation operation, clq_error *error)
{
    clq_cl_batch_launch l = begin_launch(s, operation, s->set->form);
    clq_cl_runs runs;
    uint64_t units;
    CLQ_TRY(cut_set(s, s->set->form == CLQ_BATCH_COLUMNS ? tile_work : walk_work, &runs, &units, error));
    give_operand(s, &l, clq_cl_source_of(operation));
    give_operand(s, &l, CLQ_ARG_SCALE);
    give_operand(s, &l, CLQ_ARG_ZERO_POINT);
    give_operand(s, &l, clq_cl_target_of(operation));
    return units == 0 ? CLQ_OK : append_launch(s, &l, &runs, error);
}

static clq_status add_choice(builder *s, clq_error *error)
{
    const clq_batch_form form = s->set->form == CLQ_BATCH_COLUMNS ? CLQ_BATCH_STRIP : s->set->form;
    clq_cl_batch_launch l = begin_launch(s, CLQ_OP_CHOOSE_PARAMETERS, form);
    clq_cl_runs runs;
    uint64_t units;
    CLQ_TRY(cut_set(s, choice_work, &runs, &units, error));
    l.has_schemes = 1;
    give_operand(s, &l, CLQ_ARG_RANGE);
    give_operand(s, &l, CLQ_ARG_SCALE);
    give_operand(s, &l, CLQ_ARG_ZERO_POINT);
    return units == 0 ? CLQ_OK : append_launch(s, &l, &runs, error);
}

static clq_status add_fused(builder *s, clq_error *error)
{
    clq_cl_batch_launch l = begin_launch(s, CLQ_OP_DYNAMIC_QUANTIZE, CLQ_BATCH_FUSED);
    clq_cl_runs runs;
    uint64_t units;
    CLQ_TRY(cut_set(s, fused_work, &runs, &units, error));
    l.has_schemes = 1;
    give_operand(s, &l, CLQ_ARG_X);
    give_operand(s, &l, CLQ_ARG_RANGE);
    give_operand(s, &l, CLQ_ARG_NONFINITE);
    give_operand(s, &l, CLQ_ARG_SCALE);
    give_operand(s, &l, CLQ_ARG_ZERO_POINT);
    give_operand(s, &l, CLQ_ARG_CODES);
    return append_launch(s, &l, &runs, error);
}

/* Note the tensors that several runs share: run g - 1 stops inside the one that run g goes on with. */
static void mark_shared(builder *s, const clq_cl_runs *runs)
{
    const batch_cut *cuts = (const batch_cut *)s->device->table.cuts.items + runs->first_cut;
    tensor_call *calls = s->device->table.calls.items;
    for (uint64_t g = 1; g < runs->runs; g++) {
        tensor_call *r = &calls[cuts[g].item];
        if (cuts[g].unit > 0) {
            r->first_run = r->first_run == RUN_NONE ? (cl_uint)(g - 1) : r->first_run;
            r->last_run = (cl_uint)g;
        }
    }
}

/* What minmax_batch leaves open: ranges of several tasks, counts of several runs. */
static clq_status add_fold(builder *s, uint64_t found_bytes, int *has_fold, clq_error *error)
{
    const clq_batch_form form = s->set->form == CLQ_BATCH_COLUMNS ? CLQ_BATCH_STRIP : s->set->form;
    clq_cl_batch_launch l = begin_launch(s, CLQ_OP_MINMAX, form);
    size_t count = 0;
    clq_cl_runs runs;
    l.first_number = s->device->table.numbers.count;
    for (size_t i = 0; i < s->set->count; i++) {
        const tensor_call *r = call_of(s, i);
        const uint64_t units = (r->direct ? 0 : r->parameters) + (r->first_run != RUN_NONE);
        const cl_uint number = (cl_uint)(s->first_call + i);
        if (units > 0) {
            s->work[count++] = (clq_cl_work){units, LIST_COST + r->count, LIST_COST};
            CLQ_TRY(clq_cl_list_append(&s->device->table.numbers, &number, error));
        }
    }
    *has_fold = count > 0;
    if (count == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_cl_table_cut(&s->device->table, 0, s->work, count, most_runs(s), least_run(s->device), &runs, error));
    l.launch.kernel = "minmax_batch_fold";
    l.has_list = 1;
    l.has_workspace = 1;
    l.found_bytes = found_bytes;
    give_operand(s, &l, CLQ_ARG_RANGE);
    give_operand(s, &l, CLQ_ARG_NONFINITE);
    return append_launch(s, &l, &runs, error);
}

static clq_status add_minmax(builder *s, clq_error *error)
{
    clq_cl_batch_launch l = begin_launch(s, CLQ_OP_MINMAX, s->set->form);
    clq_cl_runs runs;
    uint64_t units;
    uint64_t found_bytes;
    int has_fold;
    CLQ_TRY(cut_set(s, s->set->form == CLQ_BATCH_COLUMNS ? tile_work : task_work, &runs, &units, error));
    mark_shared(s, &runs);
    found_bytes = 2 * CLQ_CL_FOUND_BYTES * runs.runs;
    l.has_workspace = 1;
    l.found_bytes = found_bytes;
    give_operand(s, &l, CLQ_ARG_X);
    give_operand(s, &l, CLQ_ARG_RANGE);
    give_operand(s, &l, CLQ_ARG_NONFINITE);
    CLQ_TRY(append_launch(s, &l, &runs, error));
    CLQ_TRY(add_fold(s, found_bytes, &has_fold, error));
    if (has_fold) {
        s->device->workspace_bytes =
            clq_size_max(s->device->workspace_bytes, found_bytes + CLQ_CL_PARTIAL_BYTES * s->partials);
    }
    return CLQ_OK;
}

static clq_status add_launches(builder *s, clq_error *error)
{
    const clq_operation operation = s->batch->operation;
    if (s->set->form == CLQ_BATCH_FUSED) {
        return add_fused(s, error);
    }
    if (has_minmax(operation)) {
        CLQ_TRY(add_minmax(s, error));
    }
    if (has_choice(operation)) {
        CLQ_TRY(add_choice(s, error));
    }
    if (operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return add_walk(s, CLQ_OP_QUANTIZE, error);
    }
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_CHOOSE_PARAMETERS ? CLQ_OK : add_walk(s, operation, error);
}

/*
 * The set's part from its tensor `first` on whose partial ranges have room in scratch memory together: all of the set,
 * where buffers are not small. Its parts run one after the other in the same scratch memory.
 */
static clq_cl_batch_set part_of(const builder *s, const clq_cl_batch_set *set, size_t first)
{
    const uint64_t room = 2 * clq_cl_scratch_items(s->context, CLQ_CL_PARTIAL_BYTES);
    uint64_t partials = 0;
    clq_cl_batch_set part = *set;
    part.first = set->first + first;
    part.count = 0;
    while (first + part.count < set->count) {
        const clq_task *task = &s->batch->tasks[s->device->order[part.first + part.count]];
        tensor_call call;
        clq_cl_tensor_describe(task, s->batch->operation, 0, &call);
        partials += has_minmax(s->batch->operation) ? cut_tensor(s, &task->geometry, &call) : 0;
        if (part.count > 0 && partials > room) {
            break;
        }
        part.count++;
    }
    return part;
}

/*
 * A run has its share of what there is, or the least, and a unit more: a vector of a tensor, a piece for minmax, of
 * columns a tile, where it is fused a tensor, which it goes over twice.
 */
uint64_t clq_cl_batch_rounds(const clq_batch *batch, const clq_cl_batch *device, const clq_cl_batch_set *set)
{
    builder s = {.device = (clq_cl_batch *)device, .batch = batch, .context = batch->context};
    uint64_t elements = 0;
    uint64_t all = 0;
    uint64_t unit;
    uint64_t largest = 0;
    clq_cl_batch_set own = *set;
    s.set = &own;
    s.width = width_of(device, set->form);
    for (size_t i = 0; i < set->count; i++) {
        const clq_geometry *g = &task_of(&s, i)->geometry;
        const uint64_t apart = clq_geometry_has_bands(g) ? clq_size_divide_up(g->band, g->channels) : 0;
        all += g->elements;
        elements += g->elements + g->parameters * READY_COST + TENSOR_COST;
        largest = clq_size_max(largest, set->form == CLQ_BATCH_FUSED ? 2 * g->elements : apart);
    }
    unit = set->form == CLQ_BATCH_COLUMNS ? (uint64_t)COLUMN_LINES * column_blocks(&s) * s.width : piece_of(&s);
    unit = clq_size_max(clq_size_min(unit, all), largest);
    elements = clq_size_min(elements, clq_size_max(clq_size_divide_up(elements, most_runs(&s)),
                                                   (uint64_t)least_run(device) * s.width / BLOCK_COST));
    return CLQ_CL_ELEMENT_ROUNDS * (elements + unit);
}

clq_status clq_cl_batch_add_launches(clq_cl_batch *device, const clq_batch *batch, clq_cl_batch_set *set,
                                     clq_error *error)
{
    clq_status status = CLQ_OK;
    builder s;
    memset(&s, 0, sizeof s);
    s.device = device;
    s.batch = batch;
    s.context = batch->context;
    s.set = set;
    s.width = width_of(device, set->form);
    s.piece = piece_of(&s);
    s.work = calloc(set->count, sizeof *s.work);
    if (s.work == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", set->count);
    }
    set->first_launch = device->launches.count;
    for (size_t first = 0; first < set->count;) {
        clq_cl_batch_set part = part_of(&s, set, first);
        s.set = &part;
        CLQ_TRY_TO(append_calls(&s, error));
        CLQ_TRY_TO(add_launches(&s, error));
        first += part.count;
        s.set = set;
    }
    set->launch_count = device->launches.count - set->first_launch;
done:
    free(s.work);
    return status;
}

void clq_cl_batch_give_arguments(clq_cl_batch *device)
{
    const clq_cl_table *t = &device->table;
    clq_cl_batch_launch *launches = device->launches.items;
    for (size_t i = 0; i < device->launches.count; i++) {
        clq_cl_batch_launch *l = &launches[i];
        clq_cl_launch_memory(&l->launch, t->memory); /* calls come first */
        clq_cl_launch_memory(&l->launch, t->memory);
        clq_cl_launch_u64(&l->launch, t->cuts_offset + l->first_cut);
        if (l->has_schemes) {
            clq_cl_launch_memory(&l->launch, t->memory);
            clq_cl_launch_u64(&l->launch, t->schemes_offset);
        }
        if (l->has_list) {
            clq_cl_launch_memory(&l->launch, t->memory);
            clq_cl_launch_u64(&l->launch, t->numbers_offset + l->first_number);
        }
        for (size_t k = 0; k < l->operand_count; k++) {
            clq_cl_launch_memory(&l->launch, l->operands[k]);
        }
    }
}
