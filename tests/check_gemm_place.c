/* SPDX-License-Identifier: Apache-2.0 */
#include "check_gemm_place.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check_internal.h"
#include "gemm_oracle.h"

enum { GUARD_BYTES = 128 };

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* No two neighbours are equal, so that neither a constant nor a shifted copy goes unnoticed. */
static void fill_with_pattern(unsigned char *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(0xA5 + 29 * i + (i >> 8) * 7);
    }
}

static void fence(unsigned char *pages, uint64_t bytes, int access)
{
    if (mprotect(pages, (size_t)page_bytes(), access) != 0 ||
        mprotect(pages + page_bytes() + bytes, (size_t)page_bytes(), access) != 0) {
        fail_msg("mprotect failed");
    }
}

static void create_between_fences(check_gemm_placed *p, clq_context *context, check_gemm_memory memory, uint32_t bits)
{
    void *pages = NULL;
    clq_error error;
    p->bytes = (p->size + page_bytes() - 1) / page_bytes() * page_bytes();
    p->begin = memory == CHECK_GEMM_ENDS_AT_FENCE ? p->bytes - p->size : 0;
    p->offset = p->begin * 8 / bits;
    if (posix_memalign(&pages, (size_t)page_bytes(), (size_t)(p->bytes + 2 * page_bytes())) != 0) {
        fail_msg("no memory for %" PRIu64 " bytes", p->bytes);
    }
    p->pages = pages;
    fence(p->pages, p->bytes, PROT_NONE);
    check_ok(clq_buffer_wrap(context, p->pages + page_bytes(), p->bytes, &p->buffer, &error), &error,
             "clq_buffer_wrap");
}

static void create_between_guards(check_gemm_placed *p, clq_context *context, uint32_t bits)
{
    clq_error error;
    p->offset += GUARD_BYTES * 8 / bits;
    p->begin = p->offset * bits / 8;
    p->bytes = p->begin + p->size + GUARD_BYTES;
    check_ok(clq_buffer_create(context, p->bytes, &p->buffer, &error), &error, "clq_buffer_create");
}

static void place_operand(check_gemm_placed *p, clq_context *context, const check_gemm *c, check_gemm_operand operand)
{
    const uint32_t bits = check_gemm_element_bits(c, operand);
    clq_error error;
    p->size = check_gemm_bytes(c, operand, check_gemm_elements(c, operand));
    p->offset = c->offset[operand];
    if (p->size == 0) {
        return;
    }
    if (c->memory == CHECK_GEMM_GUARDED) {
        create_between_guards(p, context, bits);
    } else {
        create_between_fences(p, context, c->memory, bits);
    }
    p->image = check_allocate(p->bytes);
    fill_with_pattern(p->image, p->bytes);
    if (c->in[operand] != NULL) {
        memcpy(p->image + p->begin, c->in[operand], (size_t)p->size);
    }
    check_ok(clq_buffer_write(p->buffer, 0, p->image, p->bytes, &error), &error, "clq_buffer_write");
}

void check_gemm_place_create(check_gemm_place *place, clq_context *context, const check_gemm *c)
{
    check_gemm with_sums = *c;
    memset(place, 0, sizeof *place);
    place->c = c;
    with_sums.sums = 1;
    for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
        place_operand(&place->operands[i], context, &with_sums, (check_gemm_operand)i);
    }
}

void check_gemm_place_destroy(check_gemm_place *place)
{
    for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
        check_gemm_placed *p = &place->operands[i];
        clq_buffer_destroy(&p->buffer);
        if (p->pages != NULL) {
            fence(p->pages, p->bytes, PROT_READ | PROT_WRITE);
            free(p->pages);
        }
        free(p->image);
    }
}

void check_gemm_place_reset(check_gemm_place *place)
{
    static const check_gemm_operand written[] = {CHECK_GEMM_C, CHECK_GEMM_A_SUMS};
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        check_gemm_placed *p = &place->operands[written[i]];
        clq_error error;
        fill_with_pattern(p->image, p->bytes);
        check_ok(clq_buffer_write(p->buffer, 0, p->image, p->bytes, &error), &error, "clq_buffer_write");
    }
}

clq_operand check_gemm_place_operand(const check_gemm_place *place, check_gemm_operand operand)
{
    clq_operand o;
    o.buffer = place->operands[operand].buffer;
    o.offset = place->operands[operand].offset;
    return o;
}

/* The elements of the output go to the result; in `now` the pattern takes their place. */
static void take_output(const check_gemm *c, const check_gemm_placed *p, unsigned char *now, unsigned char *dense)
{
    const clq_gemm_problem *problem = &c->problem;
    const uint64_t element = check_gemm_bytes(c, CHECK_GEMM_C, 1);
    const size_t row_bytes = (size_t)(problem->n * element);
    for (uint64_t z = 0; z < problem->batch; z++) {
        for (uint64_t row = 0; row < problem->m; row++) {
            const uint64_t at = p->begin + element * check_gemm_index(c, CHECK_GEMM_C, z, row, 0);
            memcpy(dense, now + at, row_bytes);
            memcpy(now + at, p->image + at, row_bytes);
            dense += row_bytes;
        }
    }
}

static void check_sums(const check_gemm *c, const char *where, const check_gemm_placed *p, unsigned char *now)
{
    const uint64_t batches = c->problem.a.batch_stride != 0 ? c->problem.batch : 1;
    for (uint64_t i = 0; i < batches * c->problem.m; i++) {
        const int32_t want = gemm_oracle_row_sum(c, i / c->problem.m, i % c->problem.m);
        const int32_t got = (int32_t)check_word_at(now + p->begin, i);
        if (got != want) {
            check_gemm_print(c, where);
            fail_msg("%s: the sum of row %" PRIu64 " of A is %" PRId32 ", should be %" PRId32 " on %s", c->name, i, got,
                     want, where);
        }
    }
    memcpy(now + p->begin, p->image + p->begin, (size_t)p->size);
}

static void check_untouched(const check_gemm *c, const char *where, check_gemm_operand operand,
                            const check_gemm_placed *p, const unsigned char *now)
{
    if (memcmp(now, p->image, (size_t)p->bytes) == 0) {
        return;
    }
    for (uint64_t i = 0; i < p->bytes; i++) {
        if (now[i] != p->image[i]) {
            check_gemm_print(c, where);
            check_print("    byte %" PRIu64 " of the buffer of %s was 0x%02x and is 0x%02x; %s has bytes %" PRIu64
                        " to %" PRIu64 ", gaps included",
                        i, check_gemm_operand_name(operand), p->image[i], now[i], check_gemm_operand_name(operand),
                        p->begin, p->begin + p->size);
            fail_msg("%s: wrote where it must not on %s", c->name, where);
        }
    }
}

void check_gemm_place_collect(const check_gemm_place *place, const char *where, check_gemm_result *result)
{
    const check_gemm *c = place->c;
    result->bytes = check_gemm_bytes(c, CHECK_GEMM_C, c->problem.batch * c->problem.m * c->problem.n);
    result->c = check_allocate(result->bytes);
    for (int i = 0; i < CHECK_GEMM_OPERANDS; i++) {
        const check_gemm_placed *p = &place->operands[i];
        unsigned char *now;
        clq_error error;
        if (p->buffer == NULL) {
            continue;
        }
        now = check_allocate(p->bytes);
        check_ok(clq_buffer_read(p->buffer, 0, now, p->bytes, &error), &error, "clq_buffer_read");
        if (i == CHECK_GEMM_C) {
            take_output(c, p, now, result->c);
        } else if (i == CHECK_GEMM_A_SUMS && c->sums) {
            check_sums(c, where, p, now);
        }
        check_untouched(c, where, (check_gemm_operand)i, p, now);
        free(now);
    }
}
