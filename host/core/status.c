/* SPDX-License-Identifier: Apache-2.0 */
#include <clquant/clquant.h>

const char *clq_status_name(clq_status status)
{
    switch (status) {
    case CLQ_OK:
        return "ok";
    case CLQ_INVALID_ARGUMENT:
        return "invalid argument";
    case CLQ_OUT_OF_MEMORY:
        return "out of memory";
    case CLQ_UNSUPPORTED:
        return "unsupported";
    case CLQ_NO_DEVICE:
        return "no such device";
    case CLQ_DEVICE_ERROR:
        return "device error";
    case CLQ_BUILD_FAILED:
        return "kernel build failed";
    case CLQ_MISMATCH:
        return "result differs from the reference";
    case CLQ_IO_ERROR:
        return "input/output error";
    case CLQ_BAD_FILE:
        return "bad file";
    case CLQ_NONFINITE:
        return "non-finite data";
    case CLQ_CANCELLED:
        return "cancelled";
    case CLQ_REFUSED:
        return "refused";
    }
    return "unknown status";
}

const char *clq_version(void)
{
    return CLQ_VERSION_STRING;
}
