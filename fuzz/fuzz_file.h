/* SPDX-License-Identifier: Apache-2.0 */
/* A file in memory that holds the bytes of one fuzzing input, so that the whole path from clq_model_open is tried. */
#ifndef CLQ_FUZZ_FILE_H
#define CLQ_FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Put the bytes into the file and return its path. */
const char *fuzz_file(const uint8_t *bytes, size_t length);

/* Open it as a model, check what every reader relies on, and read all data in pieces; abort when a promise is broken.
 */
void fuzz_model(const uint8_t *bytes, size_t length);

#endif
