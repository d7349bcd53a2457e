/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/native.h"

const clq_verify_subject clq_verify_native = {
    .add = clq_verify_native_add,
    .variant_name = clq_verify_native_variant_name,
    .takes_program = clq_verify_native_takes_program,
    .takes_tensor = clq_verify_native_takes_tensor,
    .takes_in_batch = clq_verify_native_takes_in_batch,
    .takes_product = clq_verify_native_takes_product,
    .cut = clq_verify_native_cut,
    .scheme = clq_verify_native_scheme,
    .open = clq_verify_native_open,
    .begin = clq_verify_native_begin,
    .run = clq_verify_native_run,
    .recover = clq_verify_native_recover,
    .close = clq_verify_native_close,
};
