/* SPDX-License-Identifier: Apache-2.0 */
#include <clquant/clquant.h>

int engine_has_devices(void);

int engine_has_devices(void)
{
    size_t count = 0;
    return clq_devices(0, NULL, &count, NULL) == CLQ_OK && count >= CLQ_OWN_DEVICES;
}
