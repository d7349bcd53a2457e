/* SPDX-License-Identifier: Apache-2.0 */
/* Quantized tensors whose codes are in words: T_packed beside T_scale and T_shape (pack-quantized). */
#ifndef CLQ_HOST_FORMAT_QUANTIZED_WORDS_H
#define CLQ_HOST_FORMAT_QUANTIZED_WORDS_H

#include "format/facts.h"
#include "format/quantized.h"

/*
 * Fill in what tensor `index` is when it holds such codes; out->dtype stays 0 when it holds none. out->name is the
 * caller's, after a failure too.
 */
clq_status clq_recognise_words(const clq_model *model, const clq_facts *facts, size_t index, clq_quantized *out,
                               clq_error *error);

clq_status clq_read_zero_point_words(const clq_model *model, const clq_quantized *quantized, uint64_t first,
                                     uint64_t count, int32_t *zero_point, clq_error *error);

/* The codes of elements [first, first + count), packed from the first of them on. */
clq_status clq_read_code_words(const clq_model *model, const clq_quantized *quantized, uint64_t first, uint64_t count,
                               uint8_t *codes, clq_error *error);

#endif
