/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/npy.h"
#include "format/support.h"

static const struct {
    const char *name;
    const char *descr;
} types[] = {
    {"F16", "<f2"}, {"F32", "<f4"}, {"F64", "<f8"}, {"I8", "|i1"},  {"I16", "<i2"}, {"I32", "<i4"},
    {"I64", "<i8"}, {"U8", "|u1"},  {"U16", "<u2"}, {"U32", "<u4"}, {"U64", "<u8"}, {"BOOL", "|b1"},
};

clq_status clq_npy_header(const char *dtype, uint32_t rank, const uint64_t *shape, char **header,
                          uint64_t *header_bytes, clq_error *error)
{
    const char *descr = NULL;
    char *out = NULL;
    size_t preamble = 10;
    size_t used = 0;
    size_t capacity = 0;
    size_t total = 0;
    *header = NULL;
    *header_bytes = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dtype, types[i].name) == 0) {
            descr = types[i].descr;
        }
    }
    if (descr == NULL) {
        return clq_fail(error, CLQ_UNSUPPORTED, "elements of %s have no type in .npy; write a safetensors file instead",
                        clq_show_name(dtype).text);
    }
    CLQ_REQUIRE(rank <= 64, "an array of %" PRIu32 " dimensions is asked for; .npy holds at most 64", rank);
    /* 64 dimensions of 20 digits need less than 2 KiB, so the 16-bit length of version 1.0 is always enough. */
    capacity = preamble + 80 + (size_t)rank * 22 + 64;
    out = malloc(capacity);
    if (out == NULL) {
        return clq_fail_memory(error, NULL);
    }
    memcpy(out, "\x93NUMPY\x01\x00\x00\x00", preamble);
    used = preamble + (size_t)snprintf(out + preamble, capacity - preamble,
                                       "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (uint32_t i = 0; i < rank; i++) {
        const char *after = rank == 1 ? "," : i + 1 < rank ? ", " : "";
        used += (size_t)snprintf(out + used, capacity - used, "%" PRIu64 "%s", shape[i], after);
    }
    used += (size_t)snprintf(out + used, capacity - used, "), }");
    total = (used + 1 + 63) / 64 * 64;
    memset(out + used, ' ', total - used);
    out[total - 1] = '\n';
    out[8] = (char)(unsigned char)((total - preamble) & 0xFF);
    out[9] = (char)(unsigned char)((total - preamble) >> 8);
    *header = out;
    *header_bytes = total;
    return CLQ_OK;
}

int clq_is_npy_name(const char *path)
{
    static const char SUFFIX[] = ".npy";
    const size_t length = strlen(path);
    return length >= sizeof SUFFIX - 1 && strcmp(path + length - (sizeof SUFFIX - 1), SUFFIX) == 0;
}
