/* SPDX-License-Identifier: Apache-2.0 */
/* A compiler that makes something else of sources, options and binaries than they say. */
#include "zoo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every `old` in a source becomes `new`; where `old` is empty, `new` stands before the source. */
typedef struct change {
    char *habit, *old, *new;
    int is_made; /* in some source */
} change;

enum { MOST_CHANGES = 64, LINE_BYTES = 4096 };

static change changes[MOST_CHANGES];
static size_t change_count;
static int sources_seen;

/* ---- mutations with a name ---- */

/*
 * Of arithmetic as kernels have it: fma by two roundings; quotients that are less, by as much as a full profile allows
 * (2 units in the last place below the nearest one, that is 1.5 to 2.5 of error), which must not matter, by more than
 * twice that and by much; conversions, and sums that round by their magnitude, cut off; subnormals taken for zero where
 * kernels meet them.
 */
#define RECIPROCAL "0x1p47f / CONVERT(float)(significand)"
#define LESS_RECIPROCAL(units) "BITCAST(float)(BITCAST(int)(" RECIPROCAL ") - " units ")"
#define ESTIMATE "0x1p20f / convert_float(divisor)"
#define LESS_ESTIMATE(units) "as_float(as_int(" ESTIMATE ") - " units ")"

static const struct {
    const char *name, *old, *new;
} named[] = {
    {"unfused", "", "#pragma OPENCL FP_CONTRACT OFF\n#define fma(a, b, c) ((a) * (b) + (c))\n"},
    {"inexact-divide", RECIPROCAL, LESS_RECIPROCAL("2")},
    {"inexact-divide", ESTIMATE, LESS_ESTIMATE("2")},
    {"worse-divide", RECIPROCAL, LESS_RECIPROCAL("6")},
    {"wrong-divide", RECIPROCAL, LESS_RECIPROCAL("128")},
    {"truncate", "rint(", "trunc("},
    {"truncate", "(y + 0x1.8p23f)", "(trunc(y) + 0x1.8p23f)"},
    {"flush", "y = x * map->reciprocal;", "x = fabs(x) < 0x1p-126f ? (floatv)(0.0f) : x; y = x * map->reciprocal;"},
    {"flush", "floatv t = x * ", "floatv t = (fabs(x) < 0x1p-126f ? (floatv)(0.0f) : x) * "},
};

static int add_change(const char *habit, const char *old, const char *new)
{
    if (change_count == MOST_CHANGES) {
        return 0;
    }
    changes[change_count++] = (change){.habit = strdup(habit), .old = strdup(old), .new = strdup(new)};
    return 1;
}

static int add_named(const char *name)
{
    int found = 0;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(named[i].name, name) == 0) {
            found = add_change(name, named[i].old, named[i].new);
        }
    }
    return found;
}

/* "\n" of a line is a newline. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        const int is_newline = in[0] == '\\' && in[1] == 'n';
        *out++ = is_newline ? '\n' : *in; /* over what has been read, this character maybe */
        in += is_newline;
    }
    *out = '\0';
}

static int add_file(const char *path)
{
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    int fine = file != NULL;
    while (fine && fgets(line, sizeof line, file) != NULL) {
        char *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        fine = tab != NULL;
        if (fine) {
            *tab = '\0';
            unescape(line);
            unescape(tab + 1);
            fine = add_change(path, line, tab + 1);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return fine;
}

/* A habit that changed nothing would make every test pass. Not each of its changes is for every source. */
static void tell_unmade(void)
{
    for (size_t i = 0; i < change_count && sources_seen; i++) {
        int is_made = 0;
        for (size_t j = 0; j < change_count; j++) {
            is_made |= changes[j].is_made && strcmp(changes[j].habit, changes[i].habit) == 0;
        }
        if (!is_made) {
            fprintf(stderr, "CLQ_ZOO: mutate=%s has changed no source\n", changes[i].habit);
        }
    }
}

int zoo_programs_mutate(const char *text)
{
    if (change_count == 0) {
        (void)atexit(tell_unmade);
    }
    return add_named(text) || add_file(text);
}

/* ---- sources ---- */

static void *grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes);
    if (grown == NULL) {
        abort();
    }
    return grown;
}

static char *join(cl_uint count, const char **sources, const size_t *lengths)
{
    size_t used = 0;
    char *text = grow(NULL, 1);
    for (cl_uint i = 0; i < count; i++) {
        const size_t length = lengths != NULL && lengths[i] != 0 ? lengths[i] : strlen(sources[i]);
        text = grow(text, used + length + 1);
        memcpy(text + used, sources[i], length);
        used += length;
    }
    text[used] = '\0';
    return text;
}

/* `text`, which is freed, changed. */
static char *apply(change *c, char *text)
{
    const size_t old = strlen(c->old);
    const size_t new = strlen(c->new);
    char *out = grow(NULL, strlen(text) + new + 1);
    size_t used = 0;
    const char *at = text;
    if (old == 0) {
        memcpy(out, c->new, new);
        used = new;
        c->is_made = 1;
    }
    for (const char *hit = old > 0 ? strstr(at, c->old) : NULL; hit != NULL; hit = strstr(at, c->old)) {
        memcpy(out + used, at, (size_t)(hit - at));
        used += (size_t)(hit - at);
        at = hit + old;
        out = grow(out, used + new + strlen(at) + new + 1);
        memcpy(out + used, c->new, new);
        used += new;
        c->is_made = 1;
    }
    memcpy(out + used, at, strlen(at) + 1);
    free(text);
    return out;
}

static cl_program CL_API_CALL create_with_source(cl_context context, cl_uint count, const char **sources,
                                                 const size_t *lengths, cl_int *code)
{
    cl_program program;
    char *text;
    const char *changed;
    if (change_count == 0) {
        return zoo_below->clCreateProgramWithSource(context, count, sources, lengths, code);
    }
    text = join(count, sources, lengths);
    for (size_t i = 0; i < change_count; i++) {
        text = apply(&changes[i], text);
    }
    sources_seen = 1;
    changed = text;
    program = zoo_below->clCreateProgramWithSource(context, 1, &changed, NULL, code);
    free(text);
    return program;
}

/* ---- options ---- */

static char forced[512];

int zoo_programs_force(const char *option)
{
    const size_t used = strlen(forced);
    return option[0] == '-' &&
           snprintf(forced + used, sizeof forced - used, " %s", option) < (int)(sizeof forced - used);
}

const char *zoo_programs_options(const char *options, char *all, size_t capacity)
{
    if (forced[0] == '\0') {
        return options;
    }
    if (snprintf(all, capacity, "%s%s", options != NULL ? options : "", forced) >= (int)capacity) {
        abort();
    }
    return all;
}

/* ---- binaries ---- */

/* What a driver hands out for a binary that it does not look at: another, seen before, with kernels of these names. */
typedef struct binary {
    unsigned char *data;
    size_t bytes;
    char *kernels;
    struct binary *next;
} binary;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static binary *binaries_seen;

static cl_program make(cl_context context, cl_device_id device, const binary *from, cl_int *status, cl_int *code)
{
    const unsigned char *data = from->data;
    return zoo_below->clCreateProgramWithBinary(context, 1, &device, &from->bytes, &data, status, code);
}

static char *kernels_of(cl_context context, cl_device_id device, const binary *of)
{
    char *names = calloc(1, LINE_BYTES);
    cl_program program = make(context, device, of, NULL, NULL);
    if (names == NULL) {
        abort();
    }
    if (program != NULL && zoo_below->clBuildProgram(program, 1, &device, "", NULL, NULL) == CL_SUCCESS) {
        (void)zoo_below->clGetProgramInfo(program, CL_PROGRAM_KERNEL_NAMES, LINE_BYTES - 1, names, NULL);
    }
    if (program != NULL) {
        (void)zoo_below->clReleaseProgram(program);
    }
    return names;
}

/* The binary, noted; or an older one in its place. */
static const binary *mix_up(cl_context context, cl_device_id device, const unsigned char *data, size_t bytes)
{
    const binary *older = binaries_seen;
    binary *seen = grow(NULL, sizeof *seen);
    *seen = (binary){.data = memcpy(grow(NULL, bytes), data, bytes), .bytes = bytes, .next = binaries_seen};
    seen->kernels = kernels_of(context, device, seen);
    binaries_seen = seen;
    while (older != NULL && (strcmp(older->kernels, seen->kernels) != 0 ||
                             (older->bytes == bytes && memcmp(older->data, data, bytes) == 0))) {
        older = older->next;
    }
    return older != NULL ? older : seen;
}

static cl_program CL_API_CALL create_with_binary(cl_context context, cl_uint count, const cl_device_id *devices,
                                                 const size_t *lengths, const unsigned char **binaries,
                                                 cl_int *statuses, cl_int *code)
{
    cl_program program;
    if (zoo.refuse_binaries) {
        if (statuses != NULL) {
            *statuses = CL_INVALID_BINARY;
        }
        if (code != NULL) {
            *code = CL_INVALID_BINARY;
        }
        return NULL;
    }
    if (!zoo.stale_binaries || count != 1) {
        return zoo_below->clCreateProgramWithBinary(context, count, devices, lengths, binaries, statuses, code);
    }
    pthread_mutex_lock(&lock);
    program = make(context, devices[0], mix_up(context, devices[0], binaries[0], lengths[0]), statuses, code);
    pthread_mutex_unlock(&lock);
    return program;
}

void zoo_programs_init(cl_icd_dispatch *layer)
{
    layer->clCreateProgramWithSource = create_with_source;
    layer->clCreateProgramWithBinary = create_with_binary;
}
