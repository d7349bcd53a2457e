/* SPDX-License-Identifier: Apache-2.0 */
static const char *folder = ".";

static int give_up(const char *what, int code, int status)
{
    fprintf(stderr, "%s: %d\n", what, code);
    exit(status);
}
#define NEED(what, condition, code) ((condition) ? 0 : give_up(what, (int)(code), 2))
#define RUN(what, code) ((code) == CL_SUCCESS ? 0 : give_up(what, (int)(code), fails ? 1 : 2))

static void too_late(int number)
{
    static const char text[] = "no answer: the fault is there\n";
    _exit(number > 0 && write(2, text, sizeof text - 1) > 0 ? 1 : 2);
}

/* All of a file, with a NUL behind it. */
static char *load(const char *name, size_t *bytes)
{
    char path[4096], *text;
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if ((file = fopen(path, "rb")) == NULL) {
        fprintf(stderr, "%s cannot be read: run this in its own folder, or as: reproduce P:D FOLDER\n", path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    NEED(path, (text = calloc(1, *bytes + 1)) != NULL && fread(text, 1, *bytes, file) == *bytes, 0);
    fclose(file);
    return text;
}

static cl_program build(cl_context context, cl_device_id device, const char *file, const char *options)
{
    static char log[65536];
    size_t bytes;
    cl_int code;
    const char *source = load(file, &bytes);
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    RUN("clCreateProgramWithSource", code);
    code = clBuildProgram(program, 1, &device, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
        fprintf(stderr, "%s\n", log);
    }
    RUN("clBuildProgram", code);
    return program;
}
