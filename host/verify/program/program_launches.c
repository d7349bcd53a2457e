/* SPDX-License-Identifier: Apache-2.0 */
static int run(cl_context context, cl_device_id device, cl_command_queue queue)
{
    cl_mem objects[sizeof memories / sizeof memories[0]];
    size_t bytes;
    cl_int code;
    char *got;
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        objects[i] = clCreateBuffer(context, CL_MEM_READ_WRITE, memories[i].bytes, NULL, &code);
        NEED("clCreateBuffer", objects[i] != NULL, code);
        if (memories[i].file != NULL) {
            char *data = load(memories[i].file, &bytes);
            code = clEnqueueWriteBuffer(queue, objects[i], CL_TRUE, 0, bytes, data, 0, NULL, NULL);
            NEED("clEnqueueWriteBuffer", code == CL_SUCCESS, code);
            free(data);
        }
    }
    for (size_t i = 0; i < sizeof launches / sizeof launches[0]; i++) {
        cl_program program = build(context, device, launches[i].source, launches[i].options);
        cl_kernel kernel = clCreateKernel(program, launches[i].kernel, &code);
        RUN(launches[i].kernel, code);
        for (int k = 0; k < launches[i].count; k++) {
            const int a = launches[i].first + k, m = arguments[a].memory;
            RUN("clSetKernelArg", clSetKernelArg(kernel, (cl_uint)k, arguments[a].bytes,
                                                 m >= 0 ? (const void *)&objects[m] : arguments[a].value));
        }
        RUN("clEnqueueNDRangeKernel",
            clEnqueueNDRangeKernel(queue, kernel, launches[i].dimensions, NULL, launches[i].global,
                                   launches[i].local[0] != 0 ? launches[i].local : NULL, 0, NULL, NULL));
        RUN("clFinish", clFinish(queue));
    }
    bytes = memories[0].bytes;
    NEED("memory", (got = malloc(bytes)) != NULL, 0);
    code = clEnqueueReadBuffer(queue, objects[0], CL_TRUE, 0, bytes, got, 0, NULL, NULL);
    RUN("clEnqueueReadBuffer", code);
    return compare(got);
}
