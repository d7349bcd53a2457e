/* SPDX-License-Identifier: Apache-2.0 */
/* A device as a subject: its functions, which stand in device_table.c. */
#ifndef CLQ_HOST_VERIFY_DEVICE_H
#define CLQ_HOST_VERIFY_DEVICE_H

#include "verify/subject.h"

/* ---- device_items.c ---- */

clq_status clq_verify_device_add(clq_verify_items *items, clq_error *error);
const char *clq_verify_device_variant_name(const clq_verify_item *item);
int clq_verify_device_takes_program(const clq_verify_items *items, const clq_verify_item *item, uint32_t real,
                                    uint32_t code);
int clq_verify_device_takes_tensor(const clq_verify_items *items, const clq_verify_item *item, const clq_task *task);
int clq_verify_device_takes_in_batch(const clq_verify_item *item, const clq_task *task);
int clq_verify_device_takes_product(const clq_verify_items *items, const clq_verify_item *item);
clq_verify_cut clq_verify_device_cut(const clq_verify_item *item, uint32_t number);
uint32_t clq_verify_device_scheme(const clq_verify_items *items, const clq_verify_item *item, uint32_t number);

/* ---- device.c ---- */

clq_status clq_verify_device_open(clq_context *given, const clq_verify_hooks *hooks, void **place, clq_context **own,
                                  clq_error *error);
clq_status clq_verify_device_begin(void *place, const char *reproduce, clq_error *error);
clq_status clq_verify_device_run(void *place, clq_verify_work *work, clq_error *error);
clq_status clq_verify_device_recover(void *place, clq_error *error);
void clq_verify_device_close(void *place, clq_status status);
clq_status clq_verify_device_write_fault(void *place, clq_verify_work *work, clq_verify_fault *fault, int withholds,
                                         const char *folder, int *is_written, clq_error *error);

#endif
