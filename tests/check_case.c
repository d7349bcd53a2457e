/* SPDX-License-Identifier: Apache-2.0 */
/* One described operation run on any context, between guards, and compared. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "strided_case.h"

enum { GUARD_BYTES = 128, GUARD = 0xAA };

void check_case_init(check_case *c, const char *name, clq_operation operation)
{
    memset(c, 0, sizeof *c);
    c->name = name;
    c->operation = operation;
    clq_quantization_init(&c->q);
}

/* A device buffer with one operand between two guards, and its image on the host. */
typedef struct placed {
    clq_buffer *buffer;
    unsigned char *image;
    uint64_t bytes; /* of the whole image */
    uint64_t begin; /* of the operand */
    uint64_t size;
    uint64_t offset; /* in elements, as the operation gets it */
} placed;

static void place(clq_context *context, const check_case *c, check_operand operand, placed *p)
{
    const uint64_t guard_elements = operand == CHECK_NONFINITE ? GUARD_BYTES / sizeof(clq_nonfinite)
                                                               : GUARD_BYTES / check_stored_bytes(c, operand, 1);
    const void *input = check_operand_is_input(c->operation, operand) ? c->in[operand] : NULL;
    const int nibbles = operand == CHECK_CODES && clq_dtype_bits(c->q.scheme.dtype) == 4;
    clq_error error;
    p->offset = (nibbles ? 2 * GUARD_BYTES : guard_elements) + c->offset[operand];
    p->begin = check_stored_bytes(c, operand, p->offset);
    p->size = check_operand_bytes(c, operand);
    p->bytes = p->begin + p->size + GUARD_BYTES;
    p->image = check_allocate(p->bytes);
    memset(p->image, GUARD, (size_t)p->bytes);
    if (input != NULL) {
        memcpy(p->image + p->begin, input, (size_t)p->size);
    }
    check_ok(clq_buffer_create(context, p->bytes, &p->buffer, &error), &error, "clq_buffer_create");
    check_ok(clq_buffer_write(p->buffer, 0, p->image, p->bytes, &error), &error, "clq_buffer_write");
}

/* Read the buffer back; what may not have changed is compared, what is an output is copied to the result. */
static void collect(const check_case *c, const char *where, check_operand operand, const placed *p, int is_output,
                    check_result *result)
{
    unsigned char *now = check_allocate(p->bytes);
    clq_error error;
    check_ok(clq_buffer_read(p->buffer, 0, now, p->bytes, &error), &error, "clq_buffer_read");
    for (uint64_t i = 0; i < p->bytes; i++) {
        if (i == p->begin && is_output) {
            i += p->size; /* skip the output itself */
        }
        if (now[i] != p->image[i]) {
            check_print_case(c, where);
            check_print("    byte %" PRIu64 " of the buffer of %s was 0x%02x and is 0x%02x; %s has bytes %" PRIu64
                        " to %" PRIu64,
                        i, check_operand_name(operand), p->image[i], now[i], check_operand_name(operand), p->begin,
                        p->begin + p->size);
            fail_msg("%s: wrote where it must not on %s", c->name, where);
        }
        if (i == p->begin && !is_output && p->size > 0 &&
            memcmp(now + p->begin, p->image + p->begin, (size_t)p->size) == 0) {
            i += p->size - 1; /* the input is whole: no need to go through it byte by byte */
        }
    }
    if (is_output) {
        result->out[operand] = check_allocate(p->size);
        memcpy(result->out[operand], now + p->begin, (size_t)p->size);
        result->bytes[operand] = p->size;
    }
    free(now);
}

static clq_status call(clq_context *context, const check_case *c, const placed *p, clq_error *error)
{
    clq_operand o[CHECK_OPERANDS];
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        o[i].buffer = p[i].buffer;
        o[i].offset = p[i].offset;
    }
    switch (c->operation) {
    case CLQ_OP_MINMAX:
        return clq_minmax(context, &c->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_QUANTIZE:
        return clq_quantize(context, &c->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_CODES], error);
    case CLQ_OP_DEQUANTIZE:
        return clq_dequantize(context, &c->q, o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT], o[CHECK_Y], error);
    case CLQ_OP_FAKE_QUANTIZE:
        return clq_fake_quantize(context, &c->q, o[CHECK_X], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                 o[c->in_place ? CHECK_X : CHECK_Y], error);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return clq_choose_parameters_from(context, &c->q, o[CHECK_RANGE], o[CHECK_SCALE], o[CHECK_ZERO_POINT], error);
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return clq_dynamic_quantize(context, &c->q, o[CHECK_X], o[CHECK_CODES], o[CHECK_SCALE], o[CHECK_ZERO_POINT],
                                    o[CHECK_RANGE], o[CHECK_NONFINITE], error);
    case CLQ_OP_MERGE_RANGE:
        return clq_merge_range(context, &c->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_NONFINITE], o[CHECK_AVERAGING],
                               o[CHECK_STATE], error);
    case CLQ_OP_HISTOGRAM:
        return clq_histogram(context, &c->q, o[CHECK_X], o[CHECK_RANGE], o[CHECK_COUNTS], error);
    case CLQ_OP_COUNT:
        break;
    }
    return CLQ_UNSUPPORTED;
}

static int is_output(const check_case *c, check_operand operand)
{
    return c->in_place ? operand == CHECK_X : check_operand_is_output(c->operation, operand);
}

static int is_used(const check_case *c, check_operand operand)
{
    return check_operand_is_input(c->operation, operand) || is_output(c, operand);
}

/* 0: the device is too small to try the forced kernel, which may be, or does not run it right. */
static int run_case(clq_context *context, const char *where, const check_case *c, int may_be_small,
                    check_result *result)
{
    placed p[CHECK_OPERANDS];
    clq_error error;
    clq_status status;
    int is_too_small;
    memset(p, 0, sizeof p);
    memset(result, 0, sizeof *result);
    check_crashes_end_the_program();
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        if (is_used(c, (check_operand)i)) {
            place(context, c, (check_operand)i, &p[i]);
        }
    }
    status = call(context, c, p, &error);
    is_too_small = may_be_small && (check_trial_is_too_large(status, &error) || check_is_set_aside(status, &error));
    if (status != CLQ_OK && !is_too_small) {
        check_print_case(c, where);
        check_ok(status, &error, c->name);
    }
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        if (is_used(c, (check_operand)i)) {
            const int changes = !is_too_small && is_output(c, (check_operand)i); /* what is refused writes nothing */
            collect(c, where, (check_operand)i, &p[i], changes, result);
            clq_buffer_destroy(&p[i].buffer);
            free(p[i].image);
        }
    }
    if (c->in_place) { /* results are always told as y */
        result->out[CHECK_Y] = result->out[CHECK_X];
        result->bytes[CHECK_Y] = result->bytes[CHECK_X];
        result->out[CHECK_X] = NULL;
    }
    return !is_too_small;
}

void check_run(clq_context *context, const char *where, const check_case *c, check_result *result)
{
    (void)run_case(context, where, c, 0, result);
}

void check_result_free(check_result *result)
{
    for (int i = 0; i < CHECK_OPERANDS; i++) {
        free(result->out[i]);
    }
    memset(result, 0, sizeof *result);
}

/*
 * Whether the device would run the case under the forced variant: where a layout does not suit one, another runs, which
 * has its own turn. An operation in several steps has no one name and always runs.
 */
static int variant_applies(const check_case *c, const char *variant)
{
    clq_plan plan;
    clq_error error;
    if (c->operation == CLQ_OP_DYNAMIC_QUANTIZE && strided_is(c) && !check_device_is_native()) {
        return strcmp(variant, "runs") == 0; /* of the steps on strided tensors */
    }
    if (c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        return 1;
    }
    check_ok(clq_plan_operation(check_device(), c->operation, &c->q, &plan, &error), &error, "clq_plan_operation");
    return strstr(plan.variant, variant) != NULL;
}

int check_device_holds_case(const check_case *c)
{
    uint64_t largest = 0;
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        const uint64_t bytes =
            check_operand_bytes(c, (check_operand)o) + check_stored_bytes(c, (check_operand)o, c->offset[o]);
        largest = bytes > largest ? bytes : largest;
    }
    return check_device_holds(largest + 4 * GUARD_BYTES);
}

/* Whether nothing that can be forced runs the case because the device ends the loops that it would take: what is not
 * forced is the host's then, and its bytes are as good. */
static int host_serves(clq_context *device, const check_case *c)
{
    clq_plan plan;
    clq_error error;
    check_ok(clq_plan_operation(device, c->operation, &c->q, &plan, &error), &error, "clq_plan_operation");
    return plan.by_host && strstr(plan.reason, "the device ends loops") != NULL;
}

void check_everywhere(const check_case *c, check_result *kept)
{
    clq_context *device = check_device() != NULL && check_device_holds_case(c) ? check_device() : NULL;
    check_result want;
    int ran = 0;
    check_run(check_reference(), "reference", c, &want);
    for (size_t v = 0; v < check_variant_count() && device != NULL; v++) {
        char where[64];
        check_result got;
        const int before = check_kernels_set_aside();
        clq_error error;
        snprintf(where, sizeof where, "device, variant %s", check_variant(v));
        check_ok(clq_context_force_variant(device, check_variant(v), &error), &error, "clq_context_force_variant");
        if (!variant_applies(c, check_variant(v))) {
            continue;
        }
        ran = 1;
        if (!run_case(device, where, c, 1, &got)) {
            check_result_free(&got);
            continue;
        }
        check_same(c, where, &want, &got);
        if (check_kernels_set_aside() > before) {
            fail_msg("%s: a kernel was set aside on %s", c->name, where);
        }
        check_result_free(&got);
        check_count_run(clq_operation_name(c->operation), check_variant(v));
    }
    if (device != NULL) { /* what comes after is the device's own choice */
        (void)clq_context_force_variant(device, NULL, NULL);
    }
    if (device != NULL && !ran && host_serves(device, c)) {
        check_result got;
        check_run(device, "device, by the host", c, &got);
        check_same(c, "device, by the host", &want, &got);
        check_result_free(&got);
        check_count_run(clq_operation_name(c->operation), "host");
    } else if (device != NULL && !ran) {
        check_print_case(c, "device");
        fail_msg("%s: no variant of kernels.def runs this case", c->name);
    }
    if (kept != NULL) {
        *kept = want;
    } else {
        check_result_free(&want);
    }
}
