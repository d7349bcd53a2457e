/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/device.h"

const clq_verify_subject clq_verify_device = {
    .add = clq_verify_device_add,
    .variant_name = clq_verify_device_variant_name,
    .takes_program = clq_verify_device_takes_program,
    .takes_tensor = clq_verify_device_takes_tensor,
    .takes_in_batch = clq_verify_device_takes_in_batch,
    .takes_product = clq_verify_device_takes_product,
    .cut = clq_verify_device_cut,
    .scheme = clq_verify_device_scheme,
    .open = clq_verify_device_open,
    .begin = clq_verify_device_begin,
    .run = clq_verify_device_run,
    .recover = clq_verify_device_recover,
    .close = clq_verify_device_close,
    .write_fault = clq_verify_device_write_fault,
};
