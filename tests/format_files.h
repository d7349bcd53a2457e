/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights whose codes are known beforehand, the tensors that they are in each format that engines load, made here from
 * its rules alone, and calls of quantize on them.
 */
#ifndef CLQ_TESTS_FORMAT_FILES_H
#define CLQ_TESTS_FORMAT_FILES_H

#include <stdint.h>

#include <clquant/files.h>

/* ---- weights that are a scale of two's power times a code, so that nothing is rounded ---- */

enum { EVERY_ROW = 0 };

typedef struct weights {
    const char *module;
    uint64_t rows, columns;
    uint64_t group; /* elements that share a scale; EVERY_ROW: a row does */
    int bits, asymmetric;
    int centred; /* asymmetric with zero points of 0 */
} weights;

/* ---- files ---- */

typedef struct part {
    char name[80];
    const char *dtype;
    uint32_t rank;
    uint64_t shape[3];
    uint8_t *bytes; /* malloc'ed */
    uint64_t count;
} part;

enum { MOST_PARTS = 24 };

typedef struct parts {
    part items[MOST_PARTS];
    size_t count;
} parts;

/* Add a tensor "MODULE" + suffix of zeros: [a], or [a, b]; `element` is its bytes. */
part *parts_add(parts *list, const char *module, const char *suffix, const char *dtype, uint32_t rank, uint64_t a,
                uint64_t b, uint64_t element);
void parts_put_f32(uint8_t *bytes, uint64_t i, float value);

/* MODULE.weight in float; and what it becomes as int-quantized and as pack-quantized. */
void parts_add_real(parts *list, const weights *w);
void parts_add_int(parts *list, const weights *w);
void parts_add_pack(parts *list, const weights *w);

/* A tensor that stays as it is. */
void parts_add_plain(parts *list, const char *name, const char *dtype, uint32_t rank, uint64_t a, uint64_t b);

void parts_release(parts *list);

/* A file of these in the scratch folder; its path. */
const char *parts_write(const char *name, const parts *list);

/* The file has these tensors, bit for bit, and no others. */
void parts_check_file(const char *path, const parts *want);

/* ---- calls on the reference ---- */

typedef struct witness {
    char told[4000]; /* messages, a line each */
    uint64_t cancel_at;
    int cancelled;
} witness;

clq_file_request formats_request(const char *input, clq_file_format format);
clq_status formats_call(const clq_file_request *request, witness *w, clq_error *error);

/* The same, which succeeds. */
void formats_quantize(const clq_file_request *request, witness *w);

void formats_by_group(clq_file_request *request, uint64_t size);

#endif
