/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create */
#define _FILE_OFFSET_BITS 64

#include "fuzz_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/model.h"

static void require(int condition, const char *promise)
{
    if (!condition) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

const char *fuzz_file(const uint8_t *bytes, size_t length)
{
    static int fd = -1;
    static char path[40];
    if (fd < 0) {
        fd = memfd_create("input", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    require(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, length, 0) == (ssize_t)length, "the file is written");
    return path;
}

static void read_tensor(const clq_model *model, size_t index)
{
    const clq_model_tensor *tensor = &model->tensors[index];
    const clq_model_shard *shard = &model->shards[tensor->shard];
    const int by_element = tensor->dtype.bits > 0 && tensor->dtype.bits % 8 == 0;
    unsigned char *whole = malloc(tensor->bytes + 1);
    unsigned char *piece = malloc(tensor->bytes + 1);
    const uint64_t step = tensor->elements / 3 + 1;
    require(whole != NULL && piece != NULL, "a tensor is no larger than its file");
    require(tensor->name != NULL && tensor->name[0] != '\0', "a tensor has a name");
    require(clq_model_find(model, tensor->name) == index, "a tensor is found by its name");
    require(tensor->offset <= shard->file_bytes && tensor->bytes <= shard->file_bytes - tensor->offset,
            "a tensor lies in its file");
    if (by_element) {
        require(clq_model_read(model, index, 0, tensor->elements, whole, NULL) == CLQ_OK, "a tensor is read");
        for (uint64_t first = 0; first < tensor->elements; first += step) {
            const uint64_t count = tensor->elements - first < step ? tensor->elements - first : step;
            const size_t item = tensor->dtype.bits / 8;
            require(clq_model_read(model, index, first, count, piece, NULL) == CLQ_OK, "a part of a tensor is read");
            require(memcmp(piece, whole + first * item, count * item) == 0, "parts are the same as the whole");
        }
    } else {
        require(clq_model_read_bytes(model, index, 0, tensor->bytes, whole, NULL) == CLQ_OK, "bytes are read");
    }
    free(whole);
    free(piece);
}

void fuzz_model(const uint8_t *bytes, size_t length)
{
    clq_model *model = NULL;
    clq_error error = {0};
    const clq_status status = clq_model_open(fuzz_file(bytes, length), &model, &error);
    if (status != CLQ_OK) {
        require(model == NULL, "no model comes out of a failure");
        require(error.status == status && error.message[0] != '\0', "a failure has a message");
        for (const char *c = error.message; *c != '\0'; c++) {
            require((unsigned char)*c >= 0x20 && *c != 0x7F, "a message is printable");
        }
        return;
    }
    for (size_t i = 0; i < model->tensor_count; i++) {
        read_tensor(model, i);
    }
    clq_model_close(&model);
}
