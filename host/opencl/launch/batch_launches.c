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
#include "opencl/launch/walk.h"

enum { CPU_WIDTH = 16, GRID_WIDTH = 4, GRID_LANES = 128, FOUND_BYTES = 16, RANGE_BYTES = 8 };

/* Least cost of a run and elements of a piece: less makes the bookkeeping show. A run of the trial is long enough for
 * more than sixteen short segments, which minmax folds together. */
enum { LEAST_RUN = 1024, LEAST_PIECE = 8192, LEAST_TRIAL_RUN = 384, LEAST_TRIAL_PIECE = 256 };

/* Costs, in quarters of a block (clq_cl_work): of a tensor, a parameter made ready for the walk, one chosen. */
enum { TENSOR_COST = 16, BLOCK_COST = 4, READY_COST = 16, CHOICE_COST = 80, TASK_COST = 16, LIST_COST = 8 };

typedef struct builder {
    clq_cl_batch *device;
    const clq_batch *batch;
    const clq_context *context;
    clq_cl_batch_set *set;
    uint64_t first_record;
    uint64_t partials; /* of minmax */
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

uint32_t clq_cl_batch_width(const clq_context *context, clq_batch_form form)
{
    return context->device.type == CLQ_DEVICE_CPU && form != CLQ_BATCH_GRID ? CPU_WIDTH : GRID_WIDTH;
}

uint32_t clq_cl_batch_lanes(const clq_context *context, clq_batch_form form)
{
    const int is_cpu = context->device.type == CLQ_DEVICE_CPU;
    return form == CLQ_BATCH_GRID || (form == CLQ_BATCH_COLUMNS && !is_cpu) ? GRID_LANES : 1;
}

static uint64_t most_runs(const clq_context *context)
{
    return clq_cl_target_items(context) * (context->device.type == CLQ_DEVICE_CPU ? 1 : 4);
}

static uint64_t least_run(const clq_cl_batch *device)
{
    return device->is_trial ? LEAST_TRIAL_RUN : LEAST_RUN;
}

static batch_record *record_of(const builder *s, size_t i)
{
    return (batch_record *)s->device->table.records.items + s->first_record + i;
}

static const clq_task *task_of(const builder *s, size_t i)
{
    return &s->batch->tasks[s->device->order[s->set->first + i]];
}

/* ---- records ---- */

static uint64_t element_offset(const clq_task *task, clq_argument argument)
{
    const uint64_t bits = argument == CLQ_ARG_CODES                        ? clq_dtype_bits(task->q->scheme.dtype)
                          : argument == CLQ_ARG_X || argument == CLQ_ARG_Y ? clq_dtype_bits(task->q->real)
                          : argument == CLQ_ARG_NONFINITE                  ? 8 * FOUND_BYTES
                                                                           : 32;
    return task->arguments[argument].offset_bytes * 8 / bits;
}

static clq_argument source_of(clq_operation operation)
{
    return operation == CLQ_OP_DEQUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_X;
}

static clq_argument target_of(clq_operation operation)
{
    return operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DYNAMIC_QUANTIZE ? CLQ_ARG_CODES : CLQ_ARG_Y;
}

static int has_minmax(clq_operation operation)
{
    return operation == CLQ_OP_MINMAX || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

static int has_choice(clq_operation operation)
{
    return operation == CLQ_OP_CHOOSE_PARAMETERS || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

/* As host/opencl/launch/minmax.c cuts one tensor; a piece is also no more than a quarter of a run, so that runs can be
 * equal. */
static void cut_into_tasks(builder *s, batch_record *r, const clq_geometry *g, uint64_t piece)
{
    const uint64_t segments = g->rows * g->segments_per_row;
    r->pieces = clq_size_max(clq_size_divide_up(g->segment, piece), 1);
    r->tasks = segments * r->pieces;
    r->stride = g->parameters * r->pieces;
    r->inner = r->pieces;
    r->count = g->parameters == 0 ? 0 : r->tasks / g->parameters;
    r->direct = r->tasks == g->parameters;
    r->partial = s->partials;
    s->partials += r->direct ? 0 : r->tasks;
}

static void cut_into_columns(builder *s, batch_record *r, const clq_geometry *g)
{
    const clq_columns c = clq_columns_of(s->context, g, s->width);
    const uint64_t period = g->channels * g->row;
    r->line = c.line;
    r->lines_per_item = c.lines_per_item;
    r->across = c.across;
    r->tasks = c.across * c.slices;
    r->stride = period;
    r->inner = g->row;
    r->count = c.slices * (c.line / period) * g->row;
    r->partial = s->partials;
    s->partials += c.slices * c.line;
}

/* Elements of a piece. */
static uint64_t piece_of(const builder *s)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        elements += task_of(s, i)->geometry.elements;
    }
    return clq_size_max(clq_size_divide_up(elements, 4 * most_runs(s->context)),
                        s->device->is_trial ? LEAST_TRIAL_PIECE : LEAST_PIECE);
}

/* Whether what the set writes is more than the device's cache holds, so that writing past it gains. */
static int is_large(const builder *s)
{
    const clq_operation operation = s->batch->operation;
    uint64_t bytes = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        bytes += clq_argument_bytes(task_of(s, i), source_of(operation)) +
                 clq_argument_bytes(task_of(s, i), target_of(operation));
    }
    return bytes > s->context->cl->cache_bytes;
}

static clq_status append_records(builder *s, clq_error *error)
{
    const clq_operation operation = s->batch->operation;
    const uint64_t piece = piece_of(s);
    const int large = is_large(s);
    s->first_record = s->device->table.records.count;
    for (size_t i = 0; i < s->set->count; i++) {
        const clq_task *task = task_of(s, i);
        const clq_geometry *g = &task->geometry;
        batch_record r;
        memset(&r, 0, sizeof r);
        r.source = element_offset(task, source_of(operation));
        r.target = element_offset(task, target_of(operation));
        r.scale = element_offset(task, CLQ_ARG_SCALE);
        r.zero_point = element_offset(task, CLQ_ARG_ZERO_POINT);
        r.range = element_offset(task, CLQ_ARG_RANGE);
        r.nonfinite = element_offset(task, CLQ_ARG_NONFINITE);
        r.elements = g->elements;
        r.row = g->row;
        r.segment = g->segment;
        r.segments_per_row = g->segments_per_row;
        r.channels = g->channels;
        r.parameters = g->parameters;
        r.first_run = BATCH_WHOLE;
        r.mode = clq_cl_mode_of(&task->q->scheme, large || (s->device->is_trial && i % 2 != 0));
        r.qmin = task->q->scheme.qmin;
        r.qmax = task->q->scheme.qmax;
        if (has_choice(operation)) {
            CLQ_TRY(clq_cl_table_scheme(&s->device->table, &task->q->scheme, &r.scheme, error));
        }
        if (s->set->form == CLQ_BATCH_COLUMNS) {
            cut_into_columns(s, &r, g);
        } else {
            cut_into_tasks(s, &r, g, piece);
        }
        CLQ_TRY(clq_cl_list_append(&s->device->table.records, &r, error));
    }
    return CLQ_OK;
}

/* ---- work ---- */

static uint64_t blocks_of(const builder *s, uint64_t elements)
{
    return clq_size_divide_up(elements, s->width);
}

static clq_cl_work walk_work(const builder *s, const batch_record *r)
{
    const clq_cl_work work = {blocks_of(s, r->elements), BLOCK_COST + READY_COST * s->width / r->segment, TENSOR_COST};
    return work;
}

static clq_cl_work tile_work(const builder *s, const batch_record *r)
{
    const uint64_t blocks = clq_column_blocks(s->width);
    const clq_cl_work work = {r->tasks, blocks * (BLOCK_COST * r->lines_per_item + READY_COST * s->width), TENSOR_COST};
    return work;
}

static clq_cl_work task_work(const builder *s, const batch_record *r)
{
    const uint64_t elements = r->segment / clq_size_max(r->pieces, 1);
    const clq_cl_work work = {r->tasks, BLOCK_COST * blocks_of(s, elements) + TASK_COST, TENSOR_COST};
    return work;
}

static clq_cl_work choice_work(const builder *s, const batch_record *r)
{
    const clq_cl_work work = {r->parameters, CHOICE_COST, 1};
    (void)s;
    return work;
}

static clq_cl_work fused_work(const builder *s, const batch_record *r)
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
    snprintf(launch->options, sizeof launch->options,
             "-DVARIANT=4 -DVECTOR_WIDTH=%u -DCOLUMN_BLOCKS=%u -DREAL=%d -DCODE_BITS=%u -DCODE_SIGNED=%d "
             "-DBATCH_COLUMNS=%d",
             (unsigned)s->width, (unsigned)clq_column_blocks(s->width), clq_cl_real_option(q->real),
             (unsigned)clq_dtype_bits(dtype), clq_dtype_facts_of(dtype)->qmin < 0, s->set->form == CLQ_BATCH_COLUMNS);
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
    l->launch.local[0] = clq_cl_batch_lanes(s->context, s->set->form);
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
static clq_status cut_set(builder *s, clq_cl_work (*work_of)(const builder *, const batch_record *), clq_cl_runs *runs,
                          uint64_t *units, clq_error *error)
{
    *units = 0;
    for (size_t i = 0; i < s->set->count; i++) {
        s->work[i] = work_of(s, record_of(s, i));
        *units += s->work[i].units;
    }
    return clq_cl_table_cut(&s->device->table, s->first_record, s->work, s->set->count, most_runs(s->context),
                            least_run(s->device), runs, error);
}

static clq_status add_walk(builder *s, clq_operation operation, clq_error *error)
{
    clq_cl_batch_launch l = begin_launch(s, operation, s->set->form);
    clq_cl_runs runs;
    uint64_t units;
    CLQ_TRY(cut_set(s, s->set->form == CLQ_BATCH_COLUMNS ? tile_work : walk_work, &runs, &units, error));
    give_operand(s, &l, source_of(operation));
    give_operand(s, &l, CLQ_ARG_SCALE);
    give_operand(s, &l, CLQ_ARG_ZERO_POINT);
    give_operand(s, &l, target_of(operation));
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
    batch_record *records = s->device->table.records.items;
    for (uint64_t g = 1; g < runs->runs; g++) {
        batch_record *r = &records[cuts[g].item];
        if (cuts[g].unit > 0) {
            r->first_run = r->first_run == BATCH_WHOLE ? (cl_uint)(g - 1) : r->first_run;
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
        const batch_record *r = record_of(s, i);
        const uint64_t units = (r->direct ? 0 : r->parameters) + (r->first_run != BATCH_WHOLE);
        const cl_uint number = (cl_uint)(s->first_record + i);
        if (units > 0) {
            s->work[count++] = (clq_cl_work){units, LIST_COST + r->count, LIST_COST};
            CLQ_TRY(clq_cl_list_append(&s->device->table.numbers, &number, error));
        }
    }
    *has_fold = count > 0;
    if (count == 0) {
        return CLQ_OK;
    }
    CLQ_TRY(clq_cl_table_cut(&s->device->table, 0, s->work, count, most_runs(s->context), least_run(s->device), &runs,
                             error));
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
    found_bytes = 2 * FOUND_BYTES * runs.runs;
    l.has_workspace = 1;
    l.found_bytes = found_bytes;
    give_operand(s, &l, CLQ_ARG_X);
    give_operand(s, &l, CLQ_ARG_RANGE);
    give_operand(s, &l, CLQ_ARG_NONFINITE);
    CLQ_TRY(append_launch(s, &l, &runs, error));
    CLQ_TRY(add_fold(s, found_bytes, &has_fold, error));
    if (has_fold) {
        s->device->workspace_bytes = clq_size_max(s->device->workspace_bytes, found_bytes + RANGE_BYTES * s->partials);
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
    s.width = clq_cl_batch_width(batch->context, set->form);
    s.work = calloc(set->count, sizeof *s.work);
    if (s.work == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a batch of %zu tensors", set->count);
    }
    set->first_launch = device->launches.count;
    CLQ_TRY_TO(append_records(&s, error));
    CLQ_TRY_TO(add_launches(&s, error));
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
        clq_cl_launch_memory(&l->launch, t->memory); /* records come first */
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
