/* SPDX-License-Identifier: Apache-2.0 */
/* reproduce [PLATFORM:DEVICE [FOLDER [SECONDS]]]: 1: the fault is there; 0: it is gone; 2: it could not be tried. */
int main(int argc, char **argv)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    cl_uint platform_count = 0, device_count = 0;
    unsigned p = PLATFORM, d = DEVICE, seconds = limit;
    cl_int code;
    cl_context context;
    cl_command_queue queue;
    NEED("P:D", argc < 2 || sscanf(argv[1], "%u:%u", &p, &d) == 2, 0);
    folder = argc > 2 ? argv[2] : folder;
    NEED("SECONDS", argc < 4 || sscanf(argv[3], "%u", &seconds) == 1, 0);
    signal(SIGALRM, too_late);
    alarm(seconds);
    NEED("platforms", clGetPlatformIDs(64, platforms, &platform_count) == CL_SUCCESS && p < platform_count, p);
    NEED("devices",
         clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, devices, &device_count) == CL_SUCCESS && d < device_count,
         d);
    context = clCreateContext(NULL, 1, &devices[d], NULL, NULL, &code);
    NEED("clCreateContext", context != NULL, code);
    queue = clCreateCommandQueue(context, devices[d], 0, &code);
    NEED("clCreateCommandQueue", queue != NULL, code);
    return run(context, devices[d], queue);
}
