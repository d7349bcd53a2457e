/* SPDX-License-Identifier: Apache-2.0 */
/* Depths of a trial's products whose inputs are like no other's. */
#ifndef CLQ_HOST_TRIAL_DEPTHS_H
#define CLQ_HOST_TRIAL_DEPTHS_H

enum {
    CLQ_TRIAL_FAR = 1,     /* sums differ little, which a zero point far away brings back among the codes */
    CLQ_TRIAL_DEEP = 1151, /* more k than are summed in f32 (kernels/gemm_cpu.cl), twice */
};

#endif
