/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#define _FILE_OFFSET_BITS 64

#include "scratch.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[512];
static char **paths;
static size_t path_count;

static void fail(const char *what, const char *path)
{
    perror(path);
    fprintf(stderr, "scratch: cannot %s\n", what);
    exit(99);
}

int scratch_begin(void **state)
{
    const char *parent = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/clquant-test-XXXXXX", parent != NULL && parent[0] != '\0' ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        fail("make the folder", folder);
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

void scratch_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int scratch_end(void **state)
{
    (void)state;
    scratch_remove(folder);
    for (size_t i = 0; i < path_count; i++) {
        free(paths[i]);
    }
    free(paths);
    paths = NULL;
    path_count = 0;
    return 0;
}

const char *scratch_path(const char *name)
{
    const size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = malloc(bytes);
    char **grown = realloc(paths, (path_count + 1) * sizeof *grown);
    if (path == NULL || grown == NULL) {
        fail("allocate", name);
    }
    snprintf(path, bytes, "%s/%s", folder, name);
    paths = grown;
    paths[path_count++] = path;
    return path;
}

const char *scratch_write(const char *name, const void *bytes, size_t length)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
        fail("write", path);
    }
    return path;
}

char *scratch_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    long end = 0;
    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) != 0 || (end = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) {
        fail("measure", path);
    }
    bytes = malloc((size_t)end + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        fail("read", path);
    }
    bytes[end] = '\0';
    *length = (size_t)end;
    fclose(file);
    return bytes;
}

size_t scratch_count(const char *part)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry = NULL;
    size_t count = 0;
    if (entries == NULL) {
        fail("list", folder);
    }
    while ((entry = readdir(entries)) != NULL) {
        count += strstr(entry->d_name, part) != NULL;
    }
    closedir(entries);
    return count;
}

uint64_t scratch_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
