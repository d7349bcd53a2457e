/* SPDX-License-Identifier: Apache-2.0 */
#include "written_model.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "format/file.h"
#include "format/safetensors.h"
#include "scratch.h"

static void fill(unsigned char *memory, uint64_t bytes, uint64_t *seed)
{
    for (uint64_t i = 0; i < bytes; i += 2) {
        const uint64_t random = scratch_random(seed);
        memory[i] = (unsigned char)random;
        memory[i + 1] = (unsigned char)((random >> 8 & 0x83u) | 0x38u);
    }
}

void written_model(const char *name, const written_tensor *tensors, size_t count, uint64_t *seed)
{
    clq_safetensors_plan *plan = NULL;
    clq_writer *writer = NULL;
    const char *header = NULL;
    uint64_t header_bytes = 0;
    uint64_t file_bytes = 0;
    uint64_t bytes[16];
    assert_int_equal(clq_safetensors_plan_create(&plan, NULL), CLQ_OK);
    for (size_t i = 0; i < count; i++) {
        const written_tensor *tensor = &tensors[i];
        const uint64_t shape[2] = {tensor->rows > 0 ? tensor->rows : tensor->columns, tensor->columns};
        const uint64_t element = strcmp(tensor->dtype, "I64") == 0 ? 8 : strcmp(tensor->dtype, "F32") == 0 ? 4 : 2;
        size_t index = 0;
        bytes[i] = element * shape[0] * (tensor->rows > 0 ? shape[1] : 1);
        assert_int_equal(clq_safetensors_plan_tensor(plan, tensor->name, tensor->dtype, tensor->rows > 0 ? 2 : 1, shape,
                                                     bytes[i], &index, NULL),
                         CLQ_OK);
    }
    assert_int_equal(clq_safetensors_plan_finish(plan, &header, &header_bytes, &file_bytes, NULL), CLQ_OK);
    assert_int_equal(clq_writer_open(scratch_path(name), file_bytes, 1, &writer, NULL), CLQ_OK);
    assert_int_equal(clq_writer_write(writer, header, header_bytes, NULL), CLQ_OK);
    for (size_t i = 0; i < count; i++) {
        unsigned char *memory = malloc((size_t)bytes[i] + 2);
        assert_non_null(memory);
        fill(memory, bytes[i], seed);
        assert_int_equal(clq_writer_write_at(writer, clq_safetensors_plan_offset(plan, i), memory, bytes[i], NULL),
                         CLQ_OK);
        free(memory);
    }
    assert_int_equal(clq_writer_commit(&writer, NULL), CLQ_OK);
    clq_safetensors_plan_destroy(&plan);
}

/* The data begins behind the header, whose length is the first of the file. */
void written_model_with_nan(const char *from, const char *to, size_t apart)
{
    size_t length = 0;
    uint64_t header = 0;
    char *bytes = scratch_read(scratch_path(from), &length);
    assert_non_null(bytes);
    memcpy(&header, bytes, sizeof header);
    for (size_t at = (size_t)header + sizeof header + 40000; at + 4 <= length; at += apart) {
        memset(bytes + at / 4 * 4, 0xff, 4);
    }
    scratch_write(to, bytes, length);
    free(bytes);
}
