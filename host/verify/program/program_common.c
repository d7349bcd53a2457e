/* SPDX-License-Identifier: Apache-2.0 */
static cl_context context;
static cl_device_id device;
static cl_command_queue queue;
static int on_failure = 2; /* the exit code where a call fails */

static void check(cl_int code, const char *call)
{
    if (code != CL_SUCCESS) {
        fprintf(stderr, "%s: %d\n", call, (int)code);
        exit(on_failure);
    }
}
#define CHECK(call) check(call, #call)

static size_t load(const char *name, void *to, size_t most)
{
    FILE *file = fopen(name, "rb");
    const size_t bytes = file != NULL ? fread(to, 1, most, file) : 0;
    if (bytes == 0) {
        perror(name); /* is this another folder than the program's own? */
        exit(2);
    }
    fclose(file);
    return bytes;
}
