/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_space.h"

#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "native.h"

/* Room for `elements`, and for the guard unless that makes the buffer larger than the device allows. */
static void choose_types(memory_space *s, const clq_context *context, clq_operation operation, clq_dtype real,
                         uint64_t elements)
{
    clq_device_info info;
    clq_context_device(context, &info);
    s->elements = elements + MEMORY_GUARD;
    if (info.type != CLQ_DEVICE_REFERENCE && clq_dtype_bytes(real, s->elements) > info.maximum_allocation_bytes) {
        s->elements = elements;
    }
    s->real = real;
    s->in_type = operation == CLQ_OP_DEQUANTIZE ? CLQ_S8 : real;
    s->out_type = operation == CLQ_OP_DEQUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE ? real : CLQ_S8;
    s->in_bytes = clq_dtype_bytes(s->in_type, s->elements);
    s->out_bytes =
        operation == CLQ_OP_MINMAX || operation == CLQ_OP_HISTOGRAM ? 0 : clq_dtype_bytes(s->out_type, s->elements);
    s->native_bytes = clq_size_max(s->in_bytes, s->out_bytes);
    if (operation == CLQ_OP_HISTOGRAM) { /* for native_histogram */
        s->native_bytes = clq_size_max(s->native_bytes, (uint64_t)(NATIVE_MAX_THREADS + 1) * CLQ_HISTOGRAM_BINS * 8);
    }
}

static int computes_here(const clq_context *context)
{
    clq_device_info info;
    clq_context_device(context, &info);
    return info.type == CLQ_DEVICE_CPU || info.type == CLQ_DEVICE_REFERENCE;
}

memory_need memory_space_need(const clq_context *context, clq_operation operation, clq_dtype real, uint64_t elements)
{
    memory_space s;
    memory_need need = {0, 0, 0};
    memset(&s, 0, sizeof s);
    choose_types(&s, context, operation, real, elements);
    need.host_bytes = s.in_bytes + s.out_bytes + s.native_bytes;
    need.largest_buffer_bytes = clq_size_max(s.in_bytes, s.out_bytes);
    if (computes_here(context)) {
        need.host_bytes += s.out_bytes;
    } else {
        need.device_bytes = 2 * s.in_bytes + s.out_bytes;
    }
    return need;
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

static void fill(memory_space *s)
{
    uint32_t state = 12345;
    for (uint64_t i = 0; i < s->elements; i++) {
        const uint32_t bits = next(&state);
        if (s->in_type == CLQ_S8) {
            ((uint8_t *)s->in)[i] = (uint8_t)(bits >> 24);
        } else if (s->in_type == CLQ_F16) { /* exponents from 2^-7 to 2^-1 */
            const uint32_t exponent = 14 - (bits >> 8) % 7;
            ((uint16_t *)s->in)[i] = (uint16_t)((bits >> 16 & 0x83FF) | exponent << 10);
        } else {
            const float x = (float)(int32_t)bits * 0x1p-31f * (bits & 64 ? 1.0f : 0.125f);
            uint32_t pattern;
            memcpy(&pattern, &x, sizeof pattern);
            if (s->in_type == CLQ_F32) {
                ((float *)s->in)[i] = x;
            } else {
                ((uint16_t *)s->in)[i] = (uint16_t)(pattern >> 16);
            }
        }
    }
}

static clq_status make_side(memory_space *s, memory_side *side, clq_context *context, void *out, clq_error *error)
{
    side->context = context;
    if (s->is_host || out != NULL) {
        CLQ_TRY(clq_buffer_wrap(context, s->in, s->in_bytes, &side->in, error));
    } else {
        CLQ_TRY(clq_buffer_create(context, s->in_bytes, &side->in, error));
        CLQ_TRY(clq_buffer_write(side->in, 0, s->in, s->in_bytes, error));
    }
    if (s->out_bytes == 0) {
        return CLQ_OK;
    }
    return out != NULL ? clq_buffer_wrap(context, out, s->out_bytes, &side->out, error)
                       : clq_buffer_create(context, s->out_bytes, &side->out, error);
}

clq_status memory_space_create(memory_space *s, clq_context *context, clq_operation operation, clq_dtype real,
                               uint64_t elements, clq_error *error)
{
    clq_context *reference = NULL;
    memset(s, 0, sizeof *s);
    s->is_host = computes_here(context);
    choose_types(s, context, operation, real, elements);
    CLQ_TRY(bench_allocate(s->in_bytes, &s->in, error));
    CLQ_TRY(bench_allocate(s->out_bytes, &s->expected, error));
    CLQ_TRY(bench_allocate(s->native_bytes, &s->native, error));
    fill(s);
    CLQ_TRY(make_side(s, &s->device, context, NULL, error));
    if (!s->is_host) {
        CLQ_TRY(clq_buffer_create(context, s->in_bytes, &s->spare, error));
    }
    CLQ_TRY(clq_context_create("reference", &reference, error));
    return make_side(s, &s->reference, reference, s->expected, error);
}

void memory_space_destroy(memory_space *s)
{
    clq_buffer_destroy(&s->device.in);
    clq_buffer_destroy(&s->device.out);
    clq_buffer_destroy(&s->spare);
    clq_buffer_destroy(&s->reference.in);
    clq_buffer_destroy(&s->reference.out);
    clq_context_destroy(&s->reference.context);
    free(s->in);
    free(s->expected);
    free(s->native);
    memset(s, 0, sizeof *s);
}
