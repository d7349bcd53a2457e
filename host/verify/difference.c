/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two arenas, for people: the first element, what it is made of, and a picture. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "verify/case.h"

static int differs_at(const clq_verify_work *work, const clq_verify_operand *o, uint64_t index)
{
    uint64_t want = 0;
    uint64_t got = 0;
    (void)clq_verify_element_bits(o->element, work->arena.want + o->offset_bytes, index, &want);
    (void)clq_verify_element_bits(o->element, work->arena.got + o->offset_bytes, index, &got);
    return want != got;
}

/* ---- what the element is made of ---- */

typedef struct inputs_text {
    const clq_verify_work *work;
    uint32_t item;
    char *text;
    size_t capacity, used;
} inputs_text;

/* Element `index` of the operand of that name as it was before the case ran, if there is one. */
static void add_input(inputs_text *t, const char *name, uint64_t index)
{
    for (size_t i = 0; i < t->work->operand_count; i++) {
        const clq_verify_operand *o = &t->work->operands[i];
        char value[64];
        if (o->item != t->item || strcmp(o->name, name) != 0 || index >= o->elements || t->used >= t->capacity) {
            continue;
        }
        /* What this very case has written is told as it should be. */
        clq_verify_element_text(o->element,
                                (strcmp(name, "scale") == 0 || strcmp(name, "zero_point") == 0
                                     ? t->work->arena.want
                                     : t->work->arena.before) +
                                    o->offset_bytes,
                                index, value, sizeof value);
        t->used += (size_t)snprintf(t->text + t->used, t->capacity - t->used, "%s%s[%" PRIu64 "] = %s",
                                    t->used > 0 ? ", " : "", name, index, value);
        return;
    }
}

static void describe_tensor_inputs(inputs_text *t, const clq_task *task, const clq_verify_operand *o, uint64_t index)
{
    const clq_geometry *g = &task->geometry;
    uint64_t parameter = index;
    if (task->is_strided && (strcmp(o->name, "codes") == 0 || strcmp(o->name, "y") == 0)) {
        return; /* the index is that of a place, perhaps of one between elements */
    }
    if (strcmp(o->name, "codes") == 0 || strcmp(o->name, "y") == 0) {
        parameter = clq_geometry_parameter(g, index);
        add_input(t, strcmp(o->name, "y") == 0 && task->operation == CLQ_OP_DEQUANTIZE ? "codes" : "x", index);
        add_input(t, "scale", parameter);
        add_input(t, "zero_point", parameter);
        return;
    }
    parameter = index / (strcmp(o->name, "range") == 0 || strcmp(o->name, "state") == 0 ? 2
                         : strcmp(o->name, "counts") == 0 ? clq_histogram_bins(&task->q->scheme)
                                                          : 1);
    if (task->operation == CLQ_OP_CHOOSE_PARAMETERS || task->operation == CLQ_OP_HISTOGRAM ||
        task->operation == CLQ_OP_MERGE_RANGE) {
        add_input(t, "range", 2 * parameter);
        add_input(t, "range", 2 * parameter + 1);
    }
    if (o->is_output && (strcmp(o->name, "state") == 0 || strcmp(o->name, "counts") == 0)) {
        add_input(t, o->name, index);
        add_input(t, "averaging", 0);
    }
}

/* Of C: its row and column, and what of the parameters belongs to them. */
static void describe_product_inputs(inputs_text *t, const clq_gemm_task *task, uint64_t index)
{
    const clq_gemm_problem *p = task->problem;
    const uint64_t z = task->c.batch != 0 ? index / task->c.batch : 0;
    const uint64_t rest = index - z * task->c.batch;
    const uint64_t row = rest / task->c.row_stride;
    const uint64_t column = rest % task->c.row_stride;
    const uint64_t a_at = p->a_zero_point == CLQ_GEMM_PER_ROW ? (task->a_batches > 1 ? z : 0) * p->m + row : 0;
    const uint64_t in_columns = (task->b_batches > 1 ? z : 0) * p->n + column;
    const uint64_t b_at = p->b_zero_point == CLQ_GEMM_PER_COLUMN  ? in_columns
                          : p->b_zero_point == CLQ_GEMM_PER_GROUP ? in_columns * task->k_groups /* of the first group */
                                                                  : 0;
    const uint64_t at = p->multiplier == CLQ_GEMM_PER_COLUMN ? column : 0;
    t->used +=
        (size_t)snprintf(t->text, t->capacity, "batch %" PRIu64 ", row %" PRIu64 ", column %" PRIu64, z, row, column);
    add_input(t, "a_zero_point", a_at);
    add_input(t, "b_zero_point", b_at);
    if (p->k_group != 0) {
        add_input(t, "b_scale", in_columns * task->k_groups);
    }
    add_input(t, "bias", column);
    add_input(t, "multiplier", at);
    add_input(t, "shift", at);
    add_input(t, "c_zero_point", 0);
}

static void describe_inputs(const clq_verify_work *work, const clq_verify_operand *o, clq_verify_difference *d)
{
    inputs_text t = {work, o->item, d->inputs, sizeof d->inputs, 0};
    if (work->trial.count > 0) {
        describe_tensor_inputs(&t, &work->trial.tasks[o->item], o, d->index);
    } else if (work->item->family == CLQ_VERIFY_PROBE) {
        add_input(&t, "a", d->index);
        add_input(&t, "b", d->index);
        add_input(&t, "c", d->index);
    } else if (strcmp(o->name, "c") == 0) {
        describe_product_inputs(&t, &work->trial.product, d->index);
    }
}

/* ---- the picture ---- */

/* One after the other, elements of an operand without rows fill a square. */
static void draw(clq_verify_work *work, const clq_verify_operand *o, clq_verify_difference *d)
{
    uint32_t *all = work->cells[0];
    uint32_t *wrong = work->cells[1];
    uint64_t width = clq_size_max(o->columns, 1);
    uint64_t height;
    if (width == 1 || width >= o->elements) {
        for (width = 1; width * width < o->elements; width++) {
        }
    }
    height = clq_size_max(clq_size_divide_up(o->elements, width), 1);
    d->columns = (uint32_t)clq_size_min(width, CLQ_VERIFY_PICTURE_SIDE);
    d->rows = (uint32_t)clq_size_min(height, CLQ_VERIFY_PICTURE_SIDE);
    memset(work->cells, 0, sizeof work->cells);
    for (uint64_t i = 0; i < o->elements; i++) {
        const uint64_t cell = i / width * d->rows / height * d->columns + i % width * d->columns / width;
        const int differs = differs_at(work, o, i);
        all[cell]++;
        wrong[cell] += (uint32_t)differs;
        d->differing += (uint64_t)differs;
    }
    for (uint64_t i = 0; i < (uint64_t)d->rows * d->columns; i++) {
        /* One element of many is seen too. */
        d->picture[i] = (unsigned char)(wrong[i] == 0 ? 0 : 55 + (uint64_t)wrong[i] * 200 / all[i]);
    }
}

static void tell_operand(clq_verify_work *work, const clq_verify_operand *o, uint64_t index, clq_verify_difference *d)
{
    snprintf(d->operand, sizeof d->operand, "%s", o->name);
    d->item = o->item;
    d->index = index;
    d->elements = o->elements;
    clq_verify_element_text(o->element, work->arena.got + o->offset_bytes, index, d->got, sizeof d->got);
    clq_verify_element_text(o->element, work->arena.want + o->offset_bytes, index, d->want, sizeof d->want);
    describe_inputs(work, o, d);
    draw(work, o, d);
}

static int find_in_operands(clq_verify_work *work, int outputs, clq_verify_difference *d)
{
    for (size_t i = 0; i < work->operand_count; i++) {
        const clq_verify_operand *o = &work->operands[i];
        const uint64_t bytes = clq_verify_element_bytes(o->element, o->elements);
        if (o->is_output != outputs ||
            memcmp(work->arena.want + o->offset_bytes, work->arena.got + o->offset_bytes, (size_t)bytes) == 0) {
            continue;
        }
        for (uint64_t k = 0; k < o->elements; k++) {
            if (differs_at(work, o, k)) {
                tell_operand(work, o, k, d);
                return 1;
            }
        }
    }
    return 0;
}

/* A store where no operand lies. */
static void tell_guard(clq_verify_work *work, clq_verify_difference *d)
{
    clq_verify_operand all = {"beside operands", 0, CLQ_VERIFY_BYTE, 0, 0, 0, 64};
    uint64_t i = 0;
    all.elements = work->arena.bytes;
    while (work->arena.want[i] == work->arena.got[i]) {
        i++;
    }
    tell_operand(work, &all, i, d);
}

int clq_verify_differ(clq_verify_work *work, clq_verify_difference *difference)
{
    memset(difference, 0, sizeof *difference);
    if (memcmp(work->arena.want, work->arena.got, (size_t)work->arena.bytes) == 0) {
        return 0;
    }
    if (!find_in_operands(work, 1, difference) && !find_in_operands(work, 0, difference)) {
        tell_guard(work, difference);
    }
    return 1;
}
