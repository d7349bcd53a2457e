/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "inputs.h"

enum { GUARD = 0xAA, GUARD_BYTES = 32 };

int batch_case_accumulates(clq_operation operation)
{
    return operation == CLQ_OP_MERGE_RANGE || operation == CLQ_OP_HISTOGRAM;
}

static int is_nibbles(const check_case *c, check_operand operand)
{
    return operand == CHECK_CODES && clq_dtype_bits(c->q.scheme.dtype) == 4;
}

/* Bytes of an element; 1 for two codes of 4 bits. */
static uint64_t element_bytes(const check_case *c, check_operand operand)
{
    switch (operand) {
    case CHECK_X:
    case CHECK_Y:
        return clq_dtype_bits(c->q.real) / 8;
    case CHECK_CODES:
        return is_nibbles(c, operand) ? 1 : clq_dtype_bits(c->q.scheme.dtype) / 8;
    case CHECK_NONFINITE:
        return sizeof(clq_nonfinite);
    case CHECK_COUNTS:
        return sizeof(uint64_t);
    default:
        return 4;
    }
}

void batch_case_init(batch_case *b, const char *name, clq_operation operation, size_t count)
{
    memset(b, 0, sizeof *b);
    b->name = name;
    b->operation = operation;
    b->count = count;
    b->runs = 2;
    b->cases = check_allocate(count * sizeof *b->cases);
    for (size_t i = 0; i < count; i++) {
        check_case_init(&b->cases[i], name, operation);
    }
}

void batch_case_free(batch_case *b)
{
    for (size_t i = 0; i < b->count; i++) {
        inputs_free(&b->cases[i]);
    }
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        free(b->offset[o]);
        free(b->image[o]);
    }
    free(b->cases);
    memset(b, 0, sizeof *b);
}

/* Offsets are odd as often as not; a few guard bytes stand before each operand and behind the last. */
static void lay_out(batch_case *b, check_operand operand)
{
    uint64_t used = 0;
    b->offset[operand] = check_allocate(b->count * sizeof *b->offset[operand]);
    for (size_t i = 0; i < b->count; i++) {
        const check_case *c = &b->cases[i];
        const uint64_t size = element_bytes(c, operand);
        const uint64_t begin = (used + GUARD_BYTES + size - 1) / size + check_below(3);
        b->offset[operand][i] = is_nibbles(c, operand) ? 2 * begin : begin;
        used = begin * size + check_operand_bytes(c, operand);
    }
    b->bytes[operand] = used + GUARD_BYTES;
    b->image[operand] = check_allocate(b->bytes[operand]);
    memset(b->image[operand], GUARD, (size_t)b->bytes[operand]);
    for (size_t i = 0; i < b->count; i++) {
        const check_case *c = &b->cases[i];
        const uint64_t begin = b->offset[operand][i] * element_bytes(c, operand) / (is_nibbles(c, operand) ? 2 : 1);
        if (!check_operand_is_output(b->operation, operand) && c->in[operand] != NULL) {
            memcpy(b->image[operand] + begin, c->in[operand], (size_t)check_operand_bytes(c, operand));
        }
    }
}

/* One that an operation does not use is laid out with no bytes of any tensor, and must stay as it is. */
void batch_case_fill(batch_case *b)
{
    for (size_t i = 0; i < b->count; i++) {
        inputs_case(&b->cases[i], inputs_parameters_kind_of_turn(i), inputs_kind_of_turn(check_random() % 64));
    }
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        lay_out(b, (check_operand)o);
    }
}

static clq_operand operand_at(const batch_place *p, const batch_case *b, check_operand operand, size_t i)
{
    const clq_operand o = {p->buffers[operand], b->offset[operand][i]};
    return o;
}

void batch_place_begin(batch_place *p, clq_context *context, const batch_case *b)
{
    clq_error error;
    memset(p, 0, sizeof *p);
    p->context = context;
    p->items = check_allocate(b->count * sizeof *p->items);
    check_crashes_end_the_program();
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        check_ok(clq_buffer_create(context, b->bytes[o], &p->buffers[o], &error), &error, "clq_buffer_create");
    }
    for (size_t i = 0; i < b->count; i++) {
        clq_operands *o = &p->items[i].operands;
        p->items[i].q = &b->cases[i].q;
        o->struct_size = sizeof *o;
        o->x = operand_at(p, b, CHECK_X, i);
        o->y = b->cases[i].in_place ? o->x : operand_at(p, b, CHECK_Y, i);
        o->codes = operand_at(p, b, CHECK_CODES, i);
        o->scale = operand_at(p, b, CHECK_SCALE, i);
        o->zero_point = operand_at(p, b, CHECK_ZERO_POINT, i);
        o->range = operand_at(p, b, CHECK_RANGE, i);
        o->nonfinite = operand_at(p, b, CHECK_NONFINITE, i);
        o->averaging = operand_at(p, b, CHECK_AVERAGING, i);
        o->state = operand_at(p, b, CHECK_STATE, i);
        o->counts = operand_at(p, b, CHECK_COUNTS, i);
    }
    batch_place_reset(p, b);
}

void batch_place_end(batch_place *p, const batch_case *b)
{
    (void)b;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        clq_buffer_destroy(&p->buffers[o]);
    }
    free(p->items);
    memset(p, 0, sizeof *p);
}

void batch_place_reset(batch_place *p, const batch_case *b)
{
    clq_error error;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        check_ok(clq_buffer_write(p->buffers[o], 0, b->image[o], b->bytes[o], &error), &error, "clq_buffer_write");
    }
}

void batch_place_read(batch_place *p, const batch_case *b, batch_result *result)
{
    clq_error error;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        result->after[o] = check_allocate(b->bytes[o]);
        check_ok(clq_buffer_read(p->buffers[o], 0, result->after[o], b->bytes[o], &error), &error, "clq_buffer_read");
    }
}

void batch_result_free(batch_result *result)
{
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        free(result->after[o]);
        result->after[o] = NULL;
    }
}

/* The last tensor that begins at or before that byte. */
static size_t tensor_at(const batch_case *b, check_operand operand, uint64_t byte)
{
    size_t found = 0;
    for (size_t i = 0; i < b->count; i++) {
        const check_case *c = &b->cases[i];
        if (b->offset[operand][i] * element_bytes(c, operand) / (is_nibbles(c, operand) ? 2 : 1) <= byte) {
            found = i;
        }
    }
    return found;
}

void batch_same(const batch_case *b, const char *where, const batch_result *want, const batch_result *got)
{
    static const char *const names[CHECK_OPERANDS] = {"x",     "y",         "codes",     "scale", "zero_point",
                                                      "range", "nonfinite", "averaging", "state", "counts"};
    for (int o = CHECK_OPERANDS - 1; o >= 0; o--) { /* causes before effects */
        uint64_t i = 0;
        if (memcmp(want->after[o], got->after[o], (size_t)b->bytes[o]) == 0) {
            continue;
        }
        while (want->after[o][i] == got->after[o][i]) {
            i++;
        }
        if (b->count > 0) {
            const size_t tensor = tensor_at(b, (check_operand)o, i);
            const check_case *c = &b->cases[tensor];
            const uint64_t begin =
                b->offset[o][tensor] * element_bytes(c, (check_operand)o) / (is_nibbles(c, (check_operand)o) ? 2 : 1);
            check_print_case(c, where);
            check_print("    tensor %zu of %zu, which begins at byte %" PRIu64 " and has %" PRIu64 " bytes", tensor,
                        b->count, begin, check_operand_bytes(c, (check_operand)o));
        }
        fail_msg("%s: byte %" PRIu64 " of the buffer of %s is 0x%02x on %s and 0x%02x on the reference (seed %" PRIu64
                 ")",
                 b->name, i, names[o], got->after[o][i], where, want->after[o][i], check_seed());
    }
}

clq_status batch_item_call(clq_context *context, clq_operation operation, const clq_batch_item *item, clq_error *error)
{
    const clq_operands *o = &item->operands;
    const clq_quantization *q = item->q;
    switch (operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(context, q, o->x, o->range, o->nonfinite, error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(context, q, o->x, o->scale, o->zero_point, o->codes, error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(context, q, o->codes, o->scale, o->zero_point, o->y, error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(context, q, o->x, o->scale, o->zero_point, o->y, error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(context, q, o->range, o->scale, o->zero_point, error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return clq_dynamic_quantize(context, q, o->x, o->codes, o->scale, o->zero_point, o->range, o->nonfinite, error);
    case CLQ_OP_MERGE_RANGE:
        return clq_merge_range(context, q, o->x, o->range, o->nonfinite, o->averaging, o->state, error);
    case CLQ_OP_HISTOGRAM:
        return clq_histogram(context, q, o->x, o->range, o->counts, error);
    case CLQ_OP_COUNT:
        break;
    }
    return CLQ_UNSUPPORTED;
}

void batch_place_run_each(batch_place *p, const batch_case *b)
{
    for (size_t i = 0; i < b->count; i++) {
        clq_error error;
        check_ok(batch_item_call(p->context, b->operation, &p->items[i], &error), &error, b->name);
    }
}

/* Items and descriptions are scribbled over as soon as the batch is made: it may keep nothing of them. */
static void run_batch(batch_place *p, const batch_case *b, const char *where, const batch_result *want)
{
    clq_batch_item *items = check_allocate(b->count * sizeof *items);
    clq_quantization *described = check_allocate(b->count * sizeof *described);
    clq_batch *batch = NULL;
    clq_error error;
    for (size_t i = 0; i < b->count; i++) {
        described[i] = *p->items[i].q;
        items[i] = p->items[i];
        items[i].q = &described[i];
    }
    check_ok(clq_batch_create(p->context, b->operation, items, b->count, &batch, &error), &error, "clq_batch_create");
    memset(items, 0x55, b->count * sizeof *items);
    memset(described, 0x55, b->count * sizeof *described);
    free(items);
    free(described);
    for (int run = 0; run < b->runs; run++) {
        batch_result got;
        batch_place_reset(p, b);
        check_ok(clq_batch_run(batch, &error), &error, where);
        if (run + 1 == b->runs) {
            clq_batch_destroy(&batch); /* its commands may still be to run */
        }
        batch_place_read(p, b, &got);
        batch_same(b, where, want, &got);
        batch_result_free(&got);
    }
}

/* The form that the first tensor's set has: the program tells at its end how many cases each had. */
static void count_form(const batch_place *p, const batch_case *b)
{
    clq_batch *batch = NULL;
    clq_plan plan;
    clq_error error;
    if (b->count == 0) {
        return;
    }
    check_ok(clq_batch_create(p->context, b->operation, p->items, b->count, &batch, &error), &error,
             "clq_batch_create");
    check_ok(clq_batch_plan(batch, &plan, &error), &error, "clq_batch_plan");
    check_count_run(clq_operation_name(b->operation), plan.variant);
    clq_batch_destroy(&batch);
}

static int warnings;

static void count_warnings(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    if (level == CLQ_LOG_WARNING) {
        check_print("device: %s", message);
        warnings += !check_is_small() || strstr(message, "cannot be tried (memory for a trial of ") == NULL;
    }
}

/* Kernels that were set aside would leave nothing to test. */
static void check_device_runs(const batch_case *b, const batch_result *want)
{
    static const char *const variants[] = {NULL, "strip", "grid", "columns"};
    batch_place p;
    batch_result got;
    clq_error error;
    clq_context_set_log(check_device(), count_warnings, NULL);
    batch_place_begin(&p, check_device(), b);
    batch_place_run_each(&p, b);
    batch_place_read(&p, b, &got);
    batch_same(b, "device, one call each", want, &got);
    batch_result_free(&got);
    const size_t count = b->is_chosen_form_only     ? 1
                         : check_device_is_native() ? check_variant_count() + 1
                                                    : sizeof variants / sizeof variants[0];
    for (size_t v = 0; v < count; v++) {
        const char *variant = v > 0 && check_device_is_native() ? check_variant(v - 1) : variants[v];
        char where[64];
        snprintf(where, sizeof where, "device, a batch, %s", variant != NULL ? variant : "variant not forced");
        check_ok(clq_context_force_variant(check_device(), variant, &error), &error, "clq_context_force_variant");
        run_batch(&p, b, where, want);
        count_form(&p, b);
    }
    check_ok(clq_context_force_variant(check_device(), NULL, &error), &error, "clq_context_force_variant");
    batch_place_end(&p, b);
    if (warnings > 0) {
        fail_msg("%s: the device gave %d warnings", b->name, warnings);
    }
}

static int device_holds(const batch_case *b)
{
    uint64_t largest = 0;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        largest = b->bytes[o] > largest ? b->bytes[o] : largest;
    }
    return check_device_holds(largest);
}

void batch_case_check(const batch_case *b)
{
    batch_place p;
    batch_result want;
    batch_place_begin(&p, check_reference(), b);
    batch_place_run_each(&p, b);
    batch_place_read(&p, b, &want);
    run_batch(&p, b, "reference, a batch", &want);
    batch_place_end(&p, b);
    if (check_device() != NULL && device_holds(b)) {
        check_device_runs(b, &want);
    }
    batch_result_free(&want);
}

void batch_case_check_fully(batch_case *b)
{
    if (check_takes_batch(b)) {
        batch_case_fill(b);
        batch_case_check(b);
    }
    batch_case_free(b);
}
