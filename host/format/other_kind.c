/* SPDX-License-Identifier: Apache-2.0 */
#include "format/other_kind.h"

#include <string.h>

typedef struct magic {
    const char *bytes;
    size_t length;
    const char *kind;
} magic;

static int starts_with(const unsigned char *start, size_t length, const char *bytes, size_t count)
{
    return length >= count && memcmp(start, bytes, count) == 0;
}

/* A zip archive by the name of its first file (local file header: length of the name at 26, name from 30). */
static const char *kind_of_zip(const unsigned char *start, size_t length)
{
    const size_t name_length = length >= 30 ? (size_t)start[26] | (size_t)start[27] << 8 : 0;
    const char *name = (const char *)start + 30;
    if (name_length >= 4 && name_length <= length - 30) {
        const char *end = name + name_length;
        if (memcmp(end - 4, ".npy", 4) == 0) {
            return "an .npz archive of NumPy (zip)";
        }
        if (name_length >= 8 && memcmp(end - 8, "data.pkl", 8) == 0) {
            return "a PyTorch file (zip)";
        }
    }
    return "a zip archive";
}

/* ONNX has no magic bytes: a message whose first field is the version of the format, and one of its others follows. */
static int is_onnx(const unsigned char *start, size_t length)
{
    return length >= 8 && start[0] == 0x08 && start[1] >= 1 && start[1] <= 32 &&
           (start[2] == 0x12 || start[2] == 0x1A || start[2] == 0x22 || start[2] == 0x28 || start[2] == 0x32 ||
            start[2] == 0x3A || start[2] == 0x42);
}

const char *clq_other_kind(const unsigned char *start, size_t length)
{
    static const magic MAGICS[] = {
        {"\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19", 14, "a PyTorch file (pickle)"},
        {"\x80\x02", 2, "a pickle of Python"},
        {"\x80\x03", 2, "a pickle of Python"},
        {"\x80\x04\x95", 3, "a pickle of Python"},
        {"\x80\x05\x95", 3, "a pickle of Python"},
        {"PK\x05\x06", 4, "an empty zip archive"},
        {"\x89HDF\r\n\x1A\n", 8, "an HDF5 file"},
        {"\x1F\x8B", 2, "compressed by gzip"},
        {"BZh", 3, "compressed by bzip2"},
        {"\xFD\x37zXZ", 5, "compressed by xz"},
        {"\x28\xB5\x2F\xFD", 4, "compressed by zstd"},
        {"lmgg", 4, "a file of ggml, older than GGUF"},
        {"tjgg", 4, "a file of ggml, older than GGUF"},
        {"fmgg", 4, "a file of ggml, older than GGUF"},
    };
    if (starts_with(start, length, "PK\x03\x04", 4)) {
        return kind_of_zip(start, length);
    }
    for (size_t i = 0; i < sizeof MAGICS / sizeof MAGICS[0]; i++) {
        if (starts_with(start, length, MAGICS[i].bytes, MAGICS[i].length)) {
            return MAGICS[i].kind;
        }
    }
    return is_onnx(start, length) ? "an ONNX model" : NULL;
}
