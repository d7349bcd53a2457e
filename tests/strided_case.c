/* SPDX-License-Identifier: Apache-2.0 */
#include "strided_case.h"

#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

int strided_has(check_operand operand)
{
    return operand == CHECK_X || operand == CHECK_Y || operand == CHECK_CODES;
}

int strided_takes(clq_operation operation)
{
    return operation == CLQ_OP_QUANTIZE || operation == CLQ_OP_DEQUANTIZE || operation == CLQ_OP_FAKE_QUANTIZE ||
           operation == CLQ_OP_MINMAX || operation == CLQ_OP_DYNAMIC_QUANTIZE;
}

static int is_dense(const clq_strides *s)
{
    static const uint64_t none[CLQ_MAX_RANK];
    return s->block <= 1 && memcmp(s->stride, none, sizeof none) == 0;
}

int strided_is(const check_case *c)
{
    return !is_dense(&c->q.real_strides) || !is_dense(&c->q.code_strides);
}

/* ---- where elements lie ---- */

static uint64_t index_in_block(const clq_strides *s, uint32_t d, uint64_t i)
{
    return s->block > 1 && s->axis == d ? i / s->block * s->stride[d] + i % s->block * s->lane : i * s->stride[d];
}

/* Strides as clq_strides has them, all numbers given; those of a dense tensor where there are none. */
static clq_strides filled_in(const clq_layout *layout, const clq_strides *given)
{
    clq_strides s = *given;
    uint64_t stride = s.block > 1 ? s.block : 1;
    for (uint32_t d = 0; d < layout->rank; d++) {
        if (s.stride[d] != 0) {
            return s;
        }
    }
    s.lane = 1;
    for (uint32_t d = layout->rank; d-- > 0;) {
        s.stride[d] = stride;
        stride *= s.block > 1 && s.axis == d ? (layout->shape[d] + s.block - 1) / s.block : layout->shape[d];
    }
    return s;
}

/* The places of all elements of a tensor; the caller frees them. */
static uint64_t *places_of(const clq_layout *layout, const clq_strides *given, uint64_t elements)
{
    const clq_strides s = filled_in(layout, given);
    uint64_t *places = check_allocate(elements * sizeof *places);
    uint64_t index[CLQ_MAX_RANK] = {0};
    for (uint64_t i = 0; i < elements; i++) {
        uint32_t d = layout->rank;
        places[i] = 0;
        for (uint32_t k = 0; k < layout->rank; k++) {
            places[i] += index_in_block(&s, k, index[k]);
        }
        while (d-- > 0 && ++index[d] == layout->shape[d]) {
            index[d] = 0;
        }
    }
    return places;
}

/* Element `from` of one array to element `to` of another; an even 4-bit code clears the half behind it. */
static void copy_element(uint32_t bits, const unsigned char *source, uint64_t from, unsigned char *target, uint64_t to)
{
    if (bits == 4) {
        const unsigned nibble = source[from / 2] >> from % 2 * 4 & 15;
        target[to / 2] = (unsigned char)(to % 2 == 0 ? nibble : (target[to / 2] & 15) | nibble << 4);
    } else {
        memcpy(target + to * (bits / 8), source + from * (bits / 8), bits / 8);
    }
}

unsigned char *strided_spread(const check_case *c, check_operand operand, const void *dense, int fill)
{
    const int is_codes = operand == CHECK_CODES;
    const uint32_t bits = clq_dtype_bits(is_codes ? c->q.scheme.dtype : c->q.real);
    const uint64_t bytes = check_operand_bytes(c, operand);
    unsigned char *memory = check_allocate(bytes);
    uint64_t elements = 0;
    uint64_t parameters = 0;
    uint64_t *places;
    check_count_layout(c, &elements, &parameters);
    places = places_of(&c->q.layout, is_codes ? &c->q.code_strides : &c->q.real_strides, elements);
    memset(memory, fill, (size_t)bytes);
    for (uint64_t i = 0; i < elements; i++) {
        copy_element(bits, dense, i, memory, places[i]);
    }
    free(places);
    return memory;
}

void strided_spread_inputs(check_case *c)
{
    for (int o = 0; o < CHECK_OPERANDS; o++) {
        if (strided_has((check_operand)o) && c->in[o] != NULL) {
            void *dense;
            memcpy(&dense, &c->in[o], sizeof dense); /* allocated by inputs_case, const only to the operations */
            c->in[o] = strided_spread(c, (check_operand)o, dense, STRIDED_GAP);
            free(dense);
        }
    }
}

/* ---- small ones ---- */

typedef struct small {
    clq_layout layout;
    clq_strides reals, codes;
    int is_of_bytes; /* not for 4-bit codes */
} small;

#define DENSE                                                                                                          \
    {                                                                                                                  \
        {0}, 0, 0, 0                                                                                                   \
    }

static const small smalls[STRIDED_SMALL] = {
    {{.rank = 2, .shape = {5, 34}}, {.stride = {37, 1}}, {.stride = {40, 1}}, 0},
    {{.rank = 4, .shape = {2, 7, 3, 4}, .granularity = CLQ_PER_CHANNEL, .axis = 1},
     {.axis = 1, .block = 4},
     {.axis = 1, .block = 4},
     1},
    {{.rank = 2, .shape = {7, 20}, .granularity = CLQ_PER_CHANNEL}, {.stride = {23, 1}}, {.stride = {22, 1}}, 0},
    {{.rank = 2, .shape = {3, 40}}, {.stride = {100, 2}}, {.stride = {130, 3}}, 1},
    {{.rank = 2, .shape = {4, 66}, .granularity = CLQ_PER_GROUP, .group_size = 20}, {.stride = {70, 1}}, DENSE, 0},
    {{.rank = 4, .shape = {1, 6, 3, 5}, .granularity = CLQ_PER_CHANNEL, .axis = 1},
     DENSE,
     {.stride = {120, 60, 20, 4}, .axis = 1, .block = 4, .lane = 1},
     1},
    {{.rank = 2, .shape = {9, 10}, .granularity = CLQ_PER_BLOCK, .group_size = 4}, {.stride = {13, 1}}, DENSE, 1},
    {{.rank = 3, .shape = {2, 3, 18}, .granularity = CLQ_PER_CHANNEL},
     {.stride = {90, 25, 1}},
     {.stride = {80, 22, 1}},
     0},
};

void strided_small(clq_quantization *q, clq_dtype codes, uint64_t turn)
{
    const small *s = &smalls[turn % STRIDED_SMALL];
    while (s->is_of_bytes && clq_dtype_bits(codes) == 4) {
        s = &smalls[++turn % STRIDED_SMALL];
    }
    q->layout = s->layout;
    q->real_strides = s->reals;
    q->code_strides = s->codes;
}
