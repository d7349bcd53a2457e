/* SPDX-License-Identifier: Apache-2.0 */
static void open_device(int argc, char **argv)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    cl_uint count = 0;
    unsigned p = PLATFORM, d = DEVICE;
    cl_int code;
    need(argc < 2 || sscanf(argv[1], "%u:%u", &p, &d) == 2, "P:D is two numbers", argc, 2);
    folder = argc > 2 ? argv[2] : folder;
    code = clGetPlatformIDs(64, platforms, &count);
    need(code == CL_SUCCESS && p < count, "clGetPlatformIDs: no such platform", code, 2);
    code = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, devices, &count);
    need(code == CL_SUCCESS && d < count, "clGetDeviceIDs: no such device", code, 2);
    device = devices[d];
    context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    need(context != NULL, "clCreateContext", code, 2);
    queue = clCreateCommandQueue(context, device, 0, &code);
    need(queue != NULL, "clCreateCommandQueue", code, 2);
}
