/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms and devices: what there is, in the order of preference, and what each lacks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/runtime/device.h"
#include "opencl/runtime/error.h"

enum { MAX_PLATFORMS = 16, MAX_DEVICES_OF_PLATFORM = 32 };

static void device_text(cl_device_id device, cl_device_info what, char *text, size_t capacity)
{
    size_t used = 0;
    char full[1024];
    text[0] = '\0';
    if (clGetDeviceInfo(device, what, sizeof full, full, &used) == CL_SUCCESS && used > 0) {
        full[sizeof full - 1] = '\0';
        clq_printable(text, capacity, full, strlen(full));
    }
}

static void describe_type(cl_device_id device, clq_device_info *info)
{
    cl_device_type type = 0;
    (void)clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    info->type = (type & CL_DEVICE_TYPE_GPU) != 0           ? CLQ_DEVICE_GPU
                 : (type & CL_DEVICE_TYPE_ACCELERATOR) != 0 ? CLQ_DEVICE_ACCELERATOR
                 : (type & CL_DEVICE_TYPE_CPU) != 0         ? CLQ_DEVICE_CPU
                                                            : CLQ_DEVICE_OTHER;
}

/* PoCL's CPU devices compute in this process, so this process's processor is theirs; its remote ones do not. */
static int computes_in_this_process(const clq_device_info *info)
{
    return info->type == CLQ_DEVICE_CPU && strcmp(info->platform_name, "Portable Computing Language") == 0 &&
           strstr(info->name, "emote") == NULL;
}

/* The needs, each with the words for a device without it. 64-bit integers and fma come with the full profile. */
static clq_status describe_needs(cl_device_id device, clq_device_info *info, clq_error *error)
{
    char profile[64] = "";
    cl_bool available = CL_FALSE;
    cl_bool compiler = CL_FALSE;
    cl_bool little = CL_FALSE;
    cl_device_fp_config rounding = 0;
    const cl_device_fp_config needed = CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN;
    int major = 0;
    int minor = 0;
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_PROFILE, sizeof profile - 1, profile, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof rounding, &rounding, NULL);
    (void)sscanf(info->version, "OpenCL %d.%d", &major, &minor);
    if (!available) {
        snprintf(info->missing, sizeof info->missing, "the device is not available");
    } else if (!compiler) {
        snprintf(info->missing, sizeof info->missing, "the device has no compiler");
    } else if (major < 1 || (major == 1 && minor < 2)) {
        snprintf(info->missing, sizeof info->missing, "OpenCL 1.2 is needed");
    } else if (strcmp(profile, "FULL_PROFILE") != 0) {
        snprintf(info->missing, sizeof info->missing, "the full profile is needed, this is %s", profile);
    } else if ((rounding & needed) != needed) {
        snprintf(info->missing, sizeof info->missing, "rounding to nearest, infinity and NaN are needed");
    } else if (!little) {
        snprintf(info->missing, sizeof info->missing, "a little-endian device is needed");
    }
    info->usable = info->missing[0] == '\0';
    return CLQ_OK;
}

static void describe_names(cl_platform_id platform, cl_device_id device, clq_device_info *info)
{
    char full[1024] = "";
    if (clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof full, full, NULL) == CL_SUCCESS) {
        full[sizeof full - 1] = '\0';
        clq_printable(info->platform_name, sizeof info->platform_name, full, strlen(full));
    }
    device_text(device, CL_DEVICE_NAME, info->name, sizeof info->name);
    device_text(device, CL_DEVICE_VERSION, info->version, sizeof info->version);
    device_text(device, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
}

/* What a device does not answer is no property that it lacks: the call has failed. */
clq_status clq_cl_describe_device(cl_platform_id platform, cl_device_id device, clq_device_info *info, clq_error *error)
{
    cl_ulong global_bytes = 0;
    cl_ulong allocation_bytes = 0;
    cl_uint units = 0;
    memset(info, 0, sizeof *info);
    describe_names(platform, device, info);
    describe_type(device, info);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global_bytes, &global_bytes, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof allocation_bytes, &allocation_bytes, NULL);
    CLQ_CL(clGetDeviceInfo, device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    info->global_memory_bytes = global_bytes;
    info->maximum_allocation_bytes = allocation_bytes;
    info->compute_units = units;
    info->in_process = computes_in_this_process(info);
    return describe_needs(device, info, error);
}

/* Best first: usable before not, then GPU, accelerator, CPU, other; the platform's order within. */
static int preference(const clq_device_info *info)
{
    static const int by_type[] = {
        [CLQ_DEVICE_REFERENCE] = 9, [CLQ_DEVICE_GPU] = 0,   [CLQ_DEVICE_ACCELERATOR] = 1,
        [CLQ_DEVICE_CPU] = 2,       [CLQ_DEVICE_OTHER] = 3,
    };
    return by_type[info->type] + (info->usable ? 0 : 10);
}

static int by_preference(const void *a, const void *b)
{
    const clq_device_info *left = a;
    const clq_device_info *right = b;
    if (preference(left) != preference(right)) {
        return preference(left) < preference(right) ? -1 : 1;
    }
    if (left->platform != right->platform) {
        return left->platform < right->platform ? -1 : 1;
    }
    return left->device < right->device ? -1 : left->device > right->device;
}

void clq_cl_number_device(cl_platform_id platform, cl_device_id device, clq_device_info *info)
{
    cl_platform_id platforms[MAX_PLATFORMS] = {0};
    cl_device_id devices[MAX_DEVICES_OF_PLATFORM] = {0};
    info->platform = info->device = -1;
    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, NULL) != CL_SUCCESS ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES_OF_PLATFORM, devices, NULL) != CL_SUCCESS) {
        return;
    }
    for (int p = 0; p < MAX_PLATFORMS; p++) {
        for (int d = 0; d < MAX_DEVICES_OF_PLATFORM; d++) {
            if (platforms[p] == platform && devices[d] == device) {
                info->platform = p;
                info->device = d;
                return;
            }
        }
    }
}

static size_t add_platform(cl_platform_id platform, int number, clq_device_info *all, size_t found)
{
    cl_device_id devices[MAX_DEVICES_OF_PLATFORM];
    cl_uint count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, MAX_DEVICES_OF_PLATFORM, devices, &count) != CL_SUCCESS) {
        return found; /* a platform without devices says so with an error */
    }
    count = count < MAX_DEVICES_OF_PLATFORM ? count : MAX_DEVICES_OF_PLATFORM;
    for (cl_uint i = 0; i < count; i++, found++) {
        clq_error error;
        if (clq_cl_describe_device(platform, devices[i], &all[found], &error) != CLQ_OK) {
            clq_printable(all[found].missing, sizeof all[found].missing, error.message, strlen(error.message));
        }
        all[found].platform = number;
        all[found].device = (int32_t)i;
    }
    return found;
}

clq_status clq_cl_list_devices(size_t capacity, clq_device_info *infos, size_t *count, clq_error *error)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint platform_count = 0;
    size_t found = 0;
    clq_device_info *all;
    /* No platform is an answer, not a failure: the loader reports it as CL_PLATFORM_NOT_FOUND_KHR. */
    if (clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count) != CL_SUCCESS) {
        *count = 0;
        return CLQ_OK;
    }
    platform_count = platform_count < MAX_PLATFORMS ? platform_count : MAX_PLATFORMS;
    all = calloc((size_t)MAX_PLATFORMS * MAX_DEVICES_OF_PLATFORM, sizeof *all);
    if (all == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the list of devices");
    }
    for (cl_uint i = 0; i < platform_count; i++) {
        found = add_platform(platforms[i], (int)i, all, found);
    }
    qsort(all, found, sizeof *all, by_preference);
    for (size_t i = 0; i < found && i < capacity; i++) {
        infos[i] = all[i];
    }
    free(all);
    *count = found;
    return CLQ_OK;
}
