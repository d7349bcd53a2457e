/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "format/support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/size.h"

clq_shown clq_show_path(const char *path)
{
    clq_shown shown;
    clq_printable(shown.text, sizeof shown.text, path, strlen(path));
    return shown;
}

clq_shown clq_show_name(const char *name)
{
    clq_shown shown;
    clq_printable(shown.text, 128, name, strlen(name));
    return shown;
}

clq_shown clq_show_size(uint64_t bytes)
{
    static const char units[] = "KMGTPE";
    clq_shown shown;
    uint64_t unit = 1024;
    size_t i = 0;
    if (bytes < 1024) {
        snprintf(shown.text, sizeof shown.text, "%" PRIu64 " bytes", bytes);
        return shown;
    }
    while (units[i + 1] != '\0' && bytes / unit >= 1024) {
        unit *= 1024;
        i++;
    }
    /* In whole numbers, since the decimal point of %f depends on the locale. */
    snprintf(shown.text, sizeof shown.text, "%" PRIu64 ".%u %ciB", bytes / unit,
             (unsigned)(bytes % unit / (unit / 1024) * 10 / 1024), units[i]);
    return shown;
}

clq_shown clq_show_errno(int code)
{
    clq_shown shown;
    if (strerror_r(code, shown.text, sizeof shown.text) != 0) {
        snprintf(shown.text, sizeof shown.text, "error %d", code);
    }
    return shown;
}

clq_shown clq_show_shape(const uint64_t *shape, uint32_t rank)
{
    clq_shown shown;
    size_t used = 1;
    shown.text[0] = '[';
    for (uint32_t i = 0; i < rank; i++) {
        if (used > sizeof shown.text - 32) {
            used += (size_t)snprintf(shown.text + used, sizeof shown.text - used, ", ...");
            break;
        }
        used +=
            (size_t)snprintf(shown.text + used, sizeof shown.text - used, "%s%" PRIu64, i > 0 ? ", " : "", shape[i]);
    }
    shown.text[used] = ']';
    shown.text[used + 1] = '\0';
    return shown;
}

void clq_random_bytes(void *memory, size_t bytes)
{
    unsigned char *out = memory;
    const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    size_t filled = 0;
    if (fd >= 0) {
        ssize_t got = 0;
        do {
            got = read(fd, out + filled, bytes - filled);
            filled += got > 0 ? (size_t)got : 0;
        } while (filled < bytes && (got > 0 || (got < 0 && errno == EINTR)));
        close(fd);
    }
    if (filled < bytes) {
        struct timespec now = {0, 0};
        uint64_t state = 0;
        clock_gettime(CLOCK_REALTIME, &now);
        state = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 48 ^ (uintptr_t)&state;
        for (; filled < bytes; filled++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            out[filled] = (unsigned char)(state >> 56);
        }
    }
}

char *clq_copy_text(const char *text, size_t length)
{
    char *copy = length < SIZE_MAX ? malloc(length + 1) : NULL;
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

clq_status clq_fail_memory(clq_error *error, const char *path)
{
    if (path == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "memory is exhausted");
    }
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "%s: memory is exhausted", clq_show_path(path).text);
}

void *clq_grow(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
    size_t larger = *capacity == 0 ? 4 : *capacity * 2;
    void *grown = NULL;
    if (count < *capacity) {
        return array;
    }
    if (*capacity > SIZE_MAX / 2 || larger > SIZE_MAX / item_bytes) {
        return NULL;
    }
    grown = realloc(array, larger * item_bytes);
    if (grown != NULL) {
        *capacity = larger;
    }
    return grown;
}

int clq_shape_elements(const uint64_t *shape, uint32_t rank, uint64_t *product)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        if (!clq_size_multiply(elements, shape[i], &elements)) {
            return 0;
        }
    }
    *product = elements;
    return 1;
}
