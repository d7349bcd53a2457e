/* SPDX-License-Identifier: Apache-2.0 */
/* Which cases of a sweep are taken where CLQ_TEST_SAMPLE asks for a part of them. */
#include "batch_case.h"
#include "check.h"
#include "check_gemm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

/* Edges met in one test; where there are more, each further one is taken: a case too many, none too few. */
enum { MOST_EDGES = 1024 };

static uint64_t every = 1;
static uint64_t first;
static uint64_t met, taken; /* in all tests */
static uint64_t turn;       /* of one */
static uint64_t edges_met[MOST_EDGES];
static size_t edge_count;

int check_sample_begin(void)
{
    const char *text = getenv("CLQ_TEST_SAMPLE");
    unsigned long long step = 1;
    unsigned long long from = 0;
    char rest = '\0';
    int fields;
    if (text == NULL || text[0] == '\0') {
        return 1;
    }
    fields = sscanf(text, "%llu:%llu%c", &step, &from, &rest);
    if (fields < 1 || fields > 2 || (fields == 1 && strspn(text, "0123456789") != strlen(text)) || step < 1 ||
        from >= step) {
        check_print("CLQ_TEST_SAMPLE is '%s': N, from 1 on, or N:FIRST, with FIRST below N, is needed", text);
        return 0;
    }
    every = step;
    first = from;
    check_print("cases of sweeps: of every %llu the one numbered %llu, and the first of each edge", step, from);
    return 1;
}

void check_sample_restart(void)
{
    turn = 0;
    edge_count = 0;
}

void check_sample_print(void)
{
    if (every > 1) {
        check_print("%llu of %llu cases of sweeps were taken", (unsigned long long)taken, (unsigned long long)met);
    }
}

/* Whether the edge had not been met, which it has been from now on. */
static int is_new(uint64_t edge)
{
    for (size_t i = 0; i < edge_count; i++) {
        if (edges_met[i] == edge) {
            return 0;
        }
    }
    if (edge_count < MOST_EDGES) {
        edges_met[edge_count++] = edge;
    }
    return 1;
}

int check_takes(const uint64_t *edges, size_t count)
{
    int takes = turn++ % every == first;
    for (size_t i = 0; i < count && every > 1; i++) {
        takes |= is_new(edges[i]);
    }
    met++;
    taken += (uint64_t)takes;
    return takes;
}

/* A number's power of two, and whether it is that, one more, or one less than the next: where vectors, work-groups and
 * tiles end. */
static uint64_t edge_of(uint64_t n)
{
    uint64_t power = 0;
    while (power < 63 && n >> (power + 1) != 0) {
        power++;
    }
    return n == 0 ? 0
                  : 8 * (power + 1) + (n == UINT64_C(1) << power         ? 1
                                       : (n - 1) == UINT64_C(1) << power ? 2
                                       : (n & (n + 1)) == 0              ? 3
                                                                         : 4);
}

/* An edge in one respect. */
static uint64_t edge(uint64_t respect, uint64_t a, uint64_t b, uint64_t c)
{
    return respect << 48 | a << 32 | b << 16 | c;
}

int check_takes_case(const check_case *c)
{
    const clq_layout *l = &c->q.layout;
    const int is_grouped = l->granularity == CLQ_PER_GROUP || l->granularity == CLQ_PER_BLOCK;
    uint64_t elements = 0;
    uint64_t parameters = 0;
    uint64_t edges[3];
    check_count_layout(c, &elements, &parameters);
    edges[0] = edge(0, (uint64_t)c->operation, (uint64_t)l->granularity, edge_of(elements));
    edges[1] =
        edge(1, (uint64_t)l->granularity, l->rank * UINT64_C(16) + l->axis, is_grouped ? edge_of(l->group_size) : 0);
    edges[2] = edge(2, c->offset[CHECK_X] % 4, c->offset[CHECK_CODES] % 4, (uint64_t)c->in_place);
    return check_takes(edges, 3);
}

int check_takes_gemm(const check_gemm *c)
{
    const clq_gemm_problem *p = &c->problem;
    const uint64_t edges[] = {
        edge(0, edge_of(p->m), 0, 0),
        edge(1, edge_of(p->n), 0, 0),
        edge(2, edge_of(p->k), 0, 0),
        edge(3, (uint64_t)p->a.dtype, (uint64_t)p->b.dtype, edge_of(p->k_group)),
        edge(4, (uint64_t)p->c.dtype, (uint64_t)p->requantize, p->batch > 1),
    };
    return check_takes(edges, sizeof edges / sizeof edges[0]);
}

/* The largest tensor stands for the layouts of a batch: the others are like it, or small. */
int check_takes_batch(const batch_case *b)
{
    const check_case *largest = b->cases;
    uint64_t most = 0;
    uint64_t edges[4];
    for (size_t i = 0; i < b->count; i++) {
        uint64_t elements = 0;
        uint64_t parameters = 0;
        check_count_layout(&b->cases[i], &elements, &parameters);
        if (elements > most) {
            most = elements;
            largest = &b->cases[i];
        }
    }
    edges[0] = edge(0, (uint64_t)b->operation, 0, 0);
    edges[1] = edge(1, edge_of(b->count), 0, 0);
    if (b->count == 0) {
        return check_takes(edges, 2);
    }
    edges[2] = edge(2, (uint64_t)largest->q.real, (uint64_t)largest->q.scheme.dtype, 0);
    edges[3] = edge(3, (uint64_t)largest->q.layout.granularity,
                    largest->q.layout.rank * UINT64_C(16) + largest->q.layout.axis, most > 0);
    return check_takes(edges, 4);
}

int check_stride(void)
{
    const char *text = getenv("CLQ_TEST_STRIDE");
    char *end = NULL;
    long stride = 1;
    if (text != NULL) {
        stride = strtol(text, &end, 10);
        if (end == text || *end != '\0' || stride < 1 || stride > 1000) {
            fail_msg("CLQ_TEST_STRIDE is '%s', a number from 1 to 1000 is needed", text);
        }
    }
    return (int)stride;
}
