/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of C, of peers and of copies. */
#include <string.h>

#include "memory_case.h"

/* Where C and peers write. */
static size_t native_bytes(const memory_case *c)
{
    return c->operation == CLQ_OP_HISTOGRAM ? MEMORY_HISTOGRAM_BYTES
           : c->space->out_bytes == 0       ? 0
                                            : (size_t)clq_dtype_bytes(c->space->out_type, c->elements);
}

/* Of dynamic quantization C does both passes; the scale in between is the reference's. */
int memory_spoil_native(void *cookie)
{
    memory_case *c = cookie;
    memset(c->space->native, 0xAA, native_bytes(c));
    return c->operation == CLQ_OP_DYNAMIC_QUANTIZE &&
           (memory_expect(c) != CLQ_OK || clq_buffer_read(c->reference.scale, 0, &c->scale, 4, &c->error) != CLQ_OK);
}

int memory_run_native(void *cookie)
{
    memory_case *c = cookie;
    memory_space *s = c->space;
    const size_t n = (size_t)c->elements;
    if (c->operation == CLQ_OP_MINMAX || c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        c->maximum = native_maximum(s->real, s->in, n);
    }
    if (c->operation == CLQ_OP_QUANTIZE || c->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        native_quantize(s->real, s->in, n, c->scale, s->native);
    } else if (c->operation == CLQ_OP_DEQUANTIZE) {
        native_dequantize(s->real, s->in, n, c->scale, s->native);
    } else if (c->operation == CLQ_OP_FAKE_QUANTIZE) {
        native_fake_quantize(s->real, s->in, n, c->scale, s->native);
    } else if (c->operation == CLQ_OP_HISTOGRAM) {
        native_histogram(s->real, s->in, n, CLQ_HISTOGRAM_BINS / MEMORY_MAXIMUM, s->native);
    }
    return BENCH_OK;
}

/* Of a range the upper end is compared: the roof reads everything and finds that. */
static int maximum_differs(memory_case *c)
{
    float range[2];
    return clq_buffer_read(c->reference.range, 0, range, sizeof range, &c->error) != CLQ_OK || range[1] != c->maximum;
}

static int counts_differ(memory_case *c)
{
    void *expected = NULL;
    int differs = clq_buffer_map(c->reference.counts, &expected, &c->error) != CLQ_OK ||
                  memcmp(c->space->native, expected, native_bytes(c)) != 0;
    differs |= expected != NULL && clq_buffer_unmap(c->reference.counts, &c->error) != CLQ_OK;
    return differs;
}

int memory_check_native(void *cookie)
{
    memory_case *c = cookie;
    if (memory_expect(c) != CLQ_OK) {
        return BENCH_FAILED;
    }
    return c->operation == CLQ_OP_MINMAX      ? maximum_differs(c)
           : c->operation == CLQ_OP_HISTOGRAM ? counts_differ(c)
                                              : memcmp(c->space->native, c->space->expected, native_bytes(c)) != 0;
}

void memory_case_prepare_peer(memory_case *c, const bench_peers *peers)
{
    memory_space *s = c->space;
    const int to_codes = c->operation == CLQ_OP_QUANTIZE;
    c->peers = peers;
    if (to_codes || c->operation == CLQ_OP_DEQUANTIZE) {
        c->reorder = peers->reorder_create(s->in_type, s->out_type, s->in, s->native, (size_t)c->elements,
                                           to_codes ? 1.0f / c->scale : c->scale);
    }
}

int memory_run_peer(void *cookie)
{
    const memory_case *c = cookie;
    return c->reorder == NULL ? BENCH_UNSUPPORTED : c->peers->reorder_run(c->reorder);
}

/* A code may differ by one where x * (1/S) and x/S round apart; more, or many, is an error. */
static int codes_are_near(const int8_t *found, const int8_t *expected, size_t count)
{
    size_t differing = 0;
    for (size_t i = 0; i < count; i++) {
        const int distance = found[i] - expected[i];
        if (distance < -1 || distance > 1) {
            return 0;
        }
        differing += distance != 0;
    }
    return differing <= count / 1000;
}

int memory_check_peer(void *cookie)
{
    memory_case *c = cookie;
    if (memory_expect(c) != CLQ_OK) {
        return BENCH_FAILED;
    }
    return c->operation == CLQ_OP_QUANTIZE ? !codes_are_near(c->space->native, c->space->expected, (size_t)c->elements)
                                           : memcmp(c->space->native, c->space->expected, native_bytes(c)) != 0;
}

int memory_run_copy(void *cookie)
{
    memory_case *c = cookie;
    const memory_space *s = c->space;
    const uint64_t bytes = clq_dtype_bytes(s->in_type, c->elements);
    c->error.status = CLQ_OK;
    if (s->is_host) {
        native_copy(s->native, s->in, (size_t)bytes);
        return BENCH_OK;
    }
    return clq_buffer_copy(s->device.in, 0, s->spare, 0, bytes, &c->error) != CLQ_OK ||
           clq_finish(s->device.context, &c->error) != CLQ_OK;
}
