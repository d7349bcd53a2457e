/* SPDX-License-Identifier: Apache-2.0 */
/* What functions return, and the story of a failure. */
#ifndef CLQUANT_STATUS_H
#define CLQUANT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include <clquant/version.h>

#ifndef CLQ_API
#if defined(__GNUC__)
#define CLQ_API __attribute__((visibility("default")))
#else
#define CLQ_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Values are stable; new ones are only added. */
typedef enum clq_status {
    CLQ_OK = 0,               /* all of it was done, or enqueued */
    CLQ_INVALID_ARGUMENT = 1, /* an argument breaks its contract */
    CLQ_OUT_OF_MEMORY = 2,    /* host or device memory is exhausted */
    CLQ_UNSUPPORTED = 3,      /* legal, but not on this device or in this build */
    CLQ_NO_DEVICE = 20,       /* no device matches the specification */
    CLQ_DEVICE_ERROR = 21,    /* an OpenCL call failed: see opencl_call and opencl_code */
    CLQ_BUILD_FAILED = 22,    /* the device's compiler refused a kernel: see build_log */
    CLQ_MISMATCH = 23,        /* no kernel gives the bytes of the reference, and the host may not serve */
    CLQ_IO_ERROR = 40,        /* a file could not be read or written */
    CLQ_BAD_FILE = 41,        /* a file breaks its format */
    CLQ_NONFINITE = 42,       /* the data holds NaN or infinity and the policy forbids it */
    CLQ_CANCELLED = 43,       /* the caller asked to stop */
    CLQ_REFUSED = 44          /* a gate that the request sets, for quality or completeness, is not passed */
} clq_status;

/* The story of a failure. Owned by the caller; a fixed size for the whole of ABI 0. */
typedef struct clq_error {
    clq_status status;    /* what the function returned */
    int32_t opencl_code;  /* 0 when no OpenCL call was involved */
    char opencl_call[48]; /* for example "clEnqueueNDRangeKernel" */
    char message[1000];   /* one line: what was given, what is required */
    char build_log[3048]; /* the compiler's output, cut in its middle; empty unless CLQ_BUILD_FAILED */
} clq_error;

/* "invalid argument" for CLQ_INVALID_ARGUMENT; never NULL. */
CLQ_API const char *clq_status_name(clq_status status);

/* The version of the library at run time, as "0.1.0". */
CLQ_API const char *clq_version(void);

#ifdef __cplusplus
}
#endif

#endif
