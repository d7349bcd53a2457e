/* SPDX-License-Identifier: Apache-2.0 */
/* Files of .npy: an input is what follows the magic bytes and the version, and the version comes from its first byte.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = NULL;
    if (size == 0) {
        return 0;
    }
    file = malloc(size + 7);
    if (file == NULL) {
        return 0;
    }
    memcpy(file, "\x93NUMPY", 6);
    file[6] = data[0] & 3;
    file[7] = 0;
    memcpy(file + 8, data + 1, size - 1);
    fuzz_model(file, size + 7);
    free(file);
    return 0;
}
