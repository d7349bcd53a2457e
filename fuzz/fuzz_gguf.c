/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF files. The first byte of the input chooses between the raw bytes of a file and what follows magic and version.
 * Of a file that is read, blocks mean the same read whole or in parts, and the header that is written for it is its
 * own. The folder seeds/gguf has files to begin with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/file.h"
#include "format/gguf.h"
#include "format/gguf_blocks.h"
#include "format/model.h"
#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *promise)
{
    if (!condition) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

static void read_blocks(const clq_model *model, size_t index)
{
    const uint64_t elements = model->tensors[index].elements;
    float *whole = malloc((size_t)(elements + 1) * sizeof *whole);
    float *piece = malloc((size_t)(elements + 1) * sizeof *piece);
    require(whole != NULL && piece != NULL, "blocks are no larger than their file makes them");
    if (clq_gguf_read_reals(model, index, 0, elements, whole, NULL) == CLQ_OK) {
        for (uint64_t first = 0; first < elements; first += 47) {
            const uint64_t count = elements - first < 47 ? elements - first : 47;
            require(clq_gguf_read_reals(model, index, first, count, piece, NULL) == CLQ_OK, "a part is read");
            require(memcmp(piece, whole + first, (size_t)count * sizeof *piece) == 0,
                    "parts are the same as the whole");
        }
    }
    free(whole);
    free(piece);
}

static void write_header(const clq_model *model)
{
    clq_gguf_plan *plan = NULL;
    const char *header = NULL;
    uint64_t bytes = 0;
    uint64_t file = 0;
    char *own = NULL;
    require(clq_gguf_plan_create(&plan, NULL) == CLQ_OK, "a plan is made");
    clq_gguf_plan_keys(plan, model);
    for (size_t i = 0; i < model->tensor_count; i++) {
        const clq_model_tensor *t = &model->tensors[i];
        size_t index = 0;
        require(clq_gguf_plan_tensor(plan, t->name, t->dtype.name, t->rank, t->shape, t->bytes, &index, NULL) == CLQ_OK,
                "a tensor that was read can be written");
    }
    require(clq_gguf_plan_finish(plan, &header, &bytes, &file, NULL) == CLQ_OK, "a header is made");
    for (size_t i = 0; i < model->tensor_count; i++) {
        require(clq_gguf_plan_offset(plan, i) == model->tensors[i].offset, "a tensor is written where it was");
    }
    while (bytes > 0 && header[bytes - 1] == '\0') { /* padding, which may be anything in the file */
        bytes--;
    }
    own = malloc((size_t)bytes + 1);
    require(own != NULL && clq_file_read(model->shards[0].fd, model->path, 0, own, bytes, NULL) == CLQ_OK,
            "the header is in the file");
    require(memcmp(own, header, (size_t)bytes) == 0, "the header that is written is the one that was read");
    free(own);
    clq_gguf_plan_destroy(&plan);
}

static void check(const uint8_t *file, size_t size)
{
    clq_model *model = NULL;
    fuzz_model(file, size);
    if (clq_model_open(fuzz_file(file, size), &model, NULL) != CLQ_OK || model->gguf == NULL) {
        clq_model_close(&model);
        return;
    }
    for (size_t i = 0; i < model->tensor_count; i++) {
        if (clq_gguf_block_of(model, i) != CLQ_BLOCK_NONE) {
            read_blocks(model, i);
        }
    }
    write_header(model);
    clq_model_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t BEGIN[8] = {'G', 'G', 'U', 'F', 3};
    uint8_t *file = NULL;
    if (size == 0 || data[0] % 4 == 0) {
        check(data + (size > 0), size - (size > 0));
        return 0;
    }
    file = malloc(size + 7);
    if (file == NULL) {
        return 0;
    }
    memcpy(file, BEGIN, sizeof BEGIN);
    memcpy(file + 8, data + 1, size - 1);
    check(file, size + 7);
    free(file);
    return 0;
}
