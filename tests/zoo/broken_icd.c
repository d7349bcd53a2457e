/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenCL driver that is of no use, whose kind CLQ_BROKEN_ICD tells when it is compiled: ABORTS_LOADED, ABORTS_ASKED
 * (for its platforms), HANGS and EXITS do that to the process, after a word on both streams; HOLLOW has no entry
 * points. What CLQ_ICD_LOG names gets a line when HOLLOW is loaded, or when HANGS hangs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ABORTS_LOADED 1
#define ABORTS_ASKED 2
#define HANGS 3
#define EXITS 4
#define HOLLOW 5

#if CLQ_BROKEN_ICD == HOLLOW || CLQ_BROKEN_ICD == HANGS
static void note(const char *line)
{
    const char *path = getenv("CLQ_ICD_LOG");
    FILE *log = path != NULL ? fopen(path, "a") : NULL;
    if (log != NULL) {
        (void)fputs(line, log);
        (void)fclose(log);
    }
}
#endif

#if CLQ_BROKEN_ICD == ABORTS_LOADED
__attribute__((constructor)) static void load(void)
{
    abort();
}
#elif CLQ_BROKEN_ICD == HOLLOW
__attribute__((constructor)) static void load(void)
{
    note("loaded\n");
}
#else
typedef struct platform platform;

__attribute__((visibility("default"))) int clIcdGetPlatformIDsKHR(unsigned capacity, platform **platforms,
                                                                  unsigned *count);

int clIcdGetPlatformIDsKHR(unsigned capacity, platform **platforms, unsigned *count)
{
    (void)capacity;
    (void)platforms;
    (void)count;
    (void)fputs("a driver speaks\n", stdout);
    (void)fflush(stdout);
    (void)fputs("a driver complains\n", stderr);
#if CLQ_BROKEN_ICD == HANGS
    note("hangs\n");
    for (;;) {
        (void)pause();
    }
#elif CLQ_BROKEN_ICD == EXITS
    exit(0);
#else
    abort();
#endif
}

__attribute__((visibility("default"))) void *clGetExtensionFunctionAddress(const char *name);

void *clGetExtensionFunctionAddress(const char *name)
{
    int (*const ask)(unsigned, platform **, unsigned *) = clIcdGetPlatformIDsKHR;
    void *address = NULL;
    (void)name;
    memcpy(&address, &ask, sizeof address);
    return address;
}

__attribute__((visibility("default"))) int clGetPlatformInfo(platform *of, unsigned what, size_t capacity, void *value,
                                                             size_t *bytes);

int clGetPlatformInfo(platform *of, unsigned what, size_t capacity, void *value, size_t *bytes)
{
    (void)of;
    (void)what;
    (void)capacity;
    (void)value;
    (void)bytes;
    abort();
}
#endif
