/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLQ_HOST_CORE_SCHEME_H
#define CLQ_HOST_CORE_SCHEME_H

#include "core/error.h"

/* Every field within its bounds; CLQ_INVALID_ARGUMENT names the one that is not. */
clq_status clq_scheme_check(const clq_scheme *scheme, clq_error *error);

#endif
