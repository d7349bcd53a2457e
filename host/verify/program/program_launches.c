/* SPDX-License-Identifier: Apache-2.0 */
static cl_mem memory(const char *file, size_t bytes)
{
    cl_int code;
    cl_mem made = clCreateBuffer(context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    need(code == CL_SUCCESS, "clCreateBuffer", code, 2);
    if (file != NULL) {
        char *data = load(file, &bytes);
        code = clEnqueueWriteBuffer(queue, made, CL_TRUE, 0, bytes, data, 0, NULL, NULL);
        need(code == CL_SUCCESS, "clEnqueueWriteBuffer", code, 2);
        free(data);
    }
    return made;
}

static void launch(cl_kernel kernel, cl_uint dimensions, const size_t *global, const size_t *local)
{
    const cl_int code = clEnqueueNDRangeKernel(queue, kernel, dimensions, NULL, global, local, 0, NULL, NULL);
    call(code, "clEnqueueNDRangeKernel");
    call(clFinish(queue), "clFinish");
}
