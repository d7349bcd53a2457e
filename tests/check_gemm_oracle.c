/* SPDX-License-Identifier: Apache-2.0 */
/* A product's C compared with the oracle's: all of it, or as much as there is time for. */
#include "check_gemm.h"
#include "gemm_oracle.h"

static void check_element(const check_gemm *c, const check_gemm_result *result, uint64_t batch, uint64_t row,
                          uint64_t column)
{
    const uint32_t want = c->problem.k_group != 0
                              ? gemm_oracle_group_output(c, batch, row, column)
                              : gemm_oracle_output(c, batch, row, column, gemm_oracle_sum(c, batch, row, column));
    const uint32_t got = check_gemm_output(c, result, batch, row, column);
    if (got != want) {
        check_gemm_print(c, "oracle");
        check_gemm_print_element(c, batch, row, column, want, got);
        fail_msg("%s: c is not the oracle's", c->name);
    }
}

void gemm_oracle_check(const check_gemm *c, const check_gemm_result *result)
{
    const clq_gemm_problem *p = &c->problem;
    const uint64_t elements = p->batch * p->m * p->n;
    const uint64_t affordable = UINT64_C(2000000) / (p->k + 1) + 1;
    if (elements <= affordable) {
        for (uint64_t i = 0; i < elements; i++) {
            check_element(c, result, i / p->n / p->m, i / p->n % p->m, i % p->n);
        }
        return;
    }
    for (unsigned corner = 0; corner < 8; corner++) {
        check_element(c, result, corner & 4 ? p->batch - 1 : 0, corner & 2 ? p->m - 1 : 0, corner & 1 ? p->n - 1 : 0);
    }
    for (uint64_t i = 0; i < affordable; i++) {
        check_element(c, result, check_below(p->batch), check_below(p->m), check_below(p->n));
    }
}
