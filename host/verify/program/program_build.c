/* SPDX-License-Identifier: Apache-2.0 */
static cl_program build(const char *file, const char *options)
{
    static char text[1 << 20], log[1 << 16];
    const char *source = text;
    const size_t bytes = load(file, text, sizeof text);
    cl_int code;
    cl_program program = clCreateProgramWithSource(context, 1, &source, &bytes, &code);
    check(code, "clCreateProgramWithSource");
    code = clBuildProgram(program, 1, &device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fputs(log, stderr);
    }
    check(code, "clBuildProgram");
    return program;
}
