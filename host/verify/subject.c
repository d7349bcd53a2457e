/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/subject.h"

const clq_verify_subject *clq_verify_subject_of(const clq_context *context)
{
    return context->native != NULL ? &clq_verify_native : context->cl != NULL ? &clq_verify_device : NULL;
}
