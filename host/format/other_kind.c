/* SPDX-License-Identifier: Apache-2.0 */
#include "format/other_kind.h"

#include <string.h>

static const char FETCH[] = "'git lfs pull' in its folder fetches the file that it stands for";
static const char STATE_DICT[] = "Python's safetensors.torch.save_file makes safetensors of its state_dict";
static const char ARRAYS[] = "Python's safetensors.numpy.save_file makes safetensors of its arrays";
static const char SINGLE[] = "numpy.save writes each of its arrays as a .npy";
static const char GRAPH[] =
    "it is a graph: take the checkpoint that it was made from, or save its weights as safetensors";
static const char UNPACK[] = "it is to be unpacked";
static const char CONVERT[] = "scripts of llama.cpp convert it to .gguf";

typedef struct magic {
    size_t at;
    const char *bytes;
    size_t length;
    clq_kind kind;
} magic;

static int starts_with(const unsigned char *start, size_t length, const char *bytes, size_t count)
{
    return length >= count && memcmp(start, bytes, count) == 0;
}

/* A zip archive by the name of its first file (local file header: length of the name at 26, name from 30). */
static clq_kind kind_of_zip(const unsigned char *start, size_t length)
{
    const size_t name_length = length >= 30 ? (size_t)start[26] | (size_t)start[27] << 8 : 0;
    const char *name = (const char *)start + 30;
    if (name_length >= 4 && name_length <= length - 30) {
        const char *end = name + name_length;
        if (memcmp(end - 4, ".npy", 4) == 0) {
            return (clq_kind){"an .npz archive of NumPy (zip)", SINGLE};
        }
        if (name_length >= 8 && memcmp(end - 8, "data.pkl", 8) == 0) {
            return (clq_kind){"a PyTorch file (zip)", STATE_DICT};
        }
    }
    return (clq_kind){"a zip archive", UNPACK};
}

/*
 * Messages of protocol buffers have no magic bytes. These begin with a field 1 that is the version of the format. With
 * ONNX the name of who made it, a text, or another of its fields follows; with the others a message, whose own first
 * field is one too: of TensorFlow, whose version is 1, the first graph, of Core ML the description.
 */
static clq_kind kind_of_message(const unsigned char *start, size_t length)
{
    size_t inner = 4;
    if (length < 8 || start[0] != 0x08 || start[1] < 1 || start[1] > 32) {
        return (clq_kind){0};
    }
    while (inner < 7 && start[inner - 1] >= 0x80) { /* the length has a further byte */
        inner++;
    }
    if (start[2] == 0x12 && start[inner] == 0x0A) {
        return start[1] == 1 ? (clq_kind){"a TensorFlow SavedModel (.pb)", GRAPH}
                             : (clq_kind){"a Core ML model (.mlmodel)", GRAPH};
    }
    if (start[2] == 0x12 || start[2] == 0x1A || start[2] == 0x22 || start[2] == 0x28 || start[2] == 0x32 ||
        start[2] == 0x3A || start[2] == 0x42) {
        return (clq_kind){"an ONNX model", GRAPH};
    }
    return (clq_kind){0};
}

clq_kind clq_other_kind(const unsigned char *start, size_t length)
{
    static const magic MAGICS[] = {
        {0, "version https://git-lfs.", 24, {"a pointer of Git LFS", FETCH}},
        {0, "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19", 14, {"a PyTorch file (pickle)", STATE_DICT}},
        {0, "\x80\x02", 2, {"a pickle of Python", ARRAYS}},
        {0, "\x80\x03", 2, {"a pickle of Python", ARRAYS}},
        {0, "\x80\x04\x95", 3, {"a pickle of Python", ARRAYS}},
        {0, "\x80\x05\x95", 3, {"a pickle of Python", ARRAYS}},
        {0, "PK\x05\x06", 4, {"an empty zip archive", UNPACK}},
        {4, "TFL3", 4, {"a TensorFlow Lite model", GRAPH}},
        {0, "\x89HDF\r\n\x1A\n", 8, {"an HDF5 file", ARRAYS}},
        {0, "\x1F\x8B", 2, {"compressed by gzip", UNPACK}},
        {0, "BZh", 3, {"compressed by bzip2", UNPACK}},
        {0, "\xFD\x37zXZ", 5, {"compressed by xz", UNPACK}},
        {0, "\x28\xB5\x2F\xFD", 4, {"compressed by zstd", UNPACK}},
        {0, "lmgg", 4, {"a file of ggml, older than GGUF", CONVERT}},
        {0, "tjgg", 4, {"a file of ggml, older than GGUF", CONVERT}},
        {0, "fmgg", 4, {"a file of ggml, older than GGUF", CONVERT}},
    };
    if (starts_with(start, length, "PK\x03\x04", 4)) {
        return kind_of_zip(start, length);
    }
    for (size_t i = 0; i < sizeof MAGICS / sizeof MAGICS[0]; i++) {
        const magic *m = &MAGICS[i];
        if (length >= m->at && starts_with(start + m->at, length - m->at, m->bytes, m->length)) {
            return m->kind;
        }
    }
    return kind_of_message(start, length);
}
