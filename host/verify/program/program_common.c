/* SPDX-License-Identifier: Apache-2.0 */
static const char *folder = ".";
static cl_context context;
static cl_device_id device;
static cl_command_queue queue;

/* Or it ends: with 1, the fault is there; with 2, it could not be tried. */
static void need(int is_so, const char *what, int code, int otherwise)
{
    if (!is_so) {
        fprintf(stderr, "%s: %d\n", what, code);
        exit(otherwise);
    }
}

static void call(cl_int code, const char *what)
{
    need(code == CL_SUCCESS, what, code, IF_A_CALL_FAILS);
}

/* All of a file, with a NUL behind it. */
static char *load(const char *name, size_t *bytes)
{
    char path[4096], *data;
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need((file = fopen(path, "rb")) != NULL, "not in its own folder (reproduce P:D FOLDER); fopen", errno, 2);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    data = calloc(1, *bytes + 1);
    need(data != NULL && fread(data, 1, *bytes, file) == *bytes, path, errno, 2);
    fclose(file);
    return data;
}

static cl_kernel build(const char *file, const char *options, const char *name)
{
    static char log[65536];
    size_t bytes;
    cl_int code;
    cl_kernel kernel;
    const char *source = load(file, &bytes);
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    call(code, "clCreateProgramWithSource");
    code = clBuildProgram(program, 1, &device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fprintf(stderr, "%s\n", log);
    }
    call(code, "clBuildProgram");
    kernel = name != NULL ? clCreateKernel(program, name, &code) : NULL;
    call(code, name);
    return kernel;
}
