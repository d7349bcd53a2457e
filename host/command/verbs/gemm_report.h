/* SPDX-License-Identifier: Apache-2.0 */
/* What `clquant gemm` tells on stdout. */
#ifndef CLQ_HOST_COMMAND_VERBS_GEMM_REPORT_H
#define CLQ_HOST_COMMAND_VERBS_GEMM_REPORT_H

#include "command/verbs/gemm_product.h"

/* One JSON object, or a few lines for people unless --quiet. */
void cli_gemm_report(const cli_gemm_job *job, const cli_gemm_product *product);

#endif
