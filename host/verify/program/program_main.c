/* SPDX-License-Identifier: Apache-2.0 */
int main(int argc, char **argv)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    cl_uint p = PLATFORM, d = DEVICE, count = 0;
    cl_int code = argc > 1 && sscanf(argv[1], "%u:%u", &p, &d) != 2 ? CL_INVALID_VALUE : CL_SUCCESS;
    check(code, "PLATFORM:DEVICE");
    code = clGetPlatformIDs(64, platforms, &count);
    check(p < count ? code : CL_INVALID_PLATFORM, "clGetPlatformIDs");
    code = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, devices, &count);
    check(d < count ? code : CL_INVALID_DEVICE, "clGetDeviceIDs");
    device = devices[d];
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    check(code, "clCreateContext");
    queue = clCreateCommandQueue(context, device, 0, &code);
    check(code, "clCreateCommandQueue");
