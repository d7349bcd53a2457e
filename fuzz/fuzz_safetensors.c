/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers of safetensors files and indexes. The first byte of the input chooses between the raw bytes of a file and a
 * header that gets its right length in front, since few random lengths are right.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = NULL;
    const uint8_t *end = NULL;
    size_t header = 0;
    if (size == 0 || data[0] % 4 == 0) {
        fuzz_model(data + (size > 0), size - (size > 0));
        return 0;
    }
    data++;
    size--;
    file = malloc(size + 8);
    if (file == NULL) {
        return 0;
    }
    /* The header ends at the first NUL byte, or with the input; what follows is data. */
    end = memchr(data, '\0', size);
    header = end != NULL ? (size_t)(end - data) : size;
    for (size_t i = 0; i < 8; i++) {
        file[i] = (uint8_t)((uint64_t)header >> (8 * i));
    }
    memcpy(file + 8, data, size);
    fuzz_model(file, size + 8);
    free(file);
    return 0;
}
