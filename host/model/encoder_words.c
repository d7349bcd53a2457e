/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of pack-quantized. */
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "format/words.h"
#include "model/encoder.h"

/* Words of zero points held until they are complete: those of some rows, or of one where a row has many groups. */
enum { LEAST_WORDS = 2048 };

/* The run of a chunk that begins at its code `done`: to the end of the row at most, and to an even column. */
static clq_word_run next_run(const clq_layout *layout, unsigned bits, const clq_chunk *chunk, uint64_t done)
{
    const uint64_t most = CLQ_ENCODER_BYTES / 2; /* codes; with what fills a row up they fit the bytes */
    clq_word_run run = {.bits = bits, .columns = layout->shape[1], .at = done};
    run.column = (chunk->first + done) % run.columns;
    run.count = clq_size_min(run.columns - run.column, chunk->count - done);
    if (run.count > most) {
        run.count = most - run.column % 2;
    }
    return run;
}

clq_status clq_encode_code_words(clq_encoder *encoder, const clq_model_plan_tensor *tensor, const clq_slot *slot,
                                 const clq_piece *piece, clq_error *error)
{
    const clq_chunk *chunk = &piece->chunk;
    const uint8_t *codes = slot->memory + piece->codes;
    const clq_layout *layout = &tensor->q.layout;
    const unsigned bits = (unsigned)clq_dtype_bits(tensor->q.scheme.dtype);
    const size_t number = tensor->parts[CLQ_PART_CODES].number;
    uint64_t offset =
        clq_words_offset(bits, layout->shape[1], chunk->first / layout->shape[1], chunk->first % layout->shape[1]);
    const clq_check_place place = {encoder->model->path, encoder->model->tensors[tensor->index].name};
    uint64_t used = 0;
    uint64_t written;
    CLQ_TRY(clq_encoder_need_bytes(encoder, error));
    for (uint64_t done = 0; done < chunk->count;) {
        const clq_word_run run = next_run(layout, bits, chunk, done);
        if (used + clq_words_bytes(&run) > CLQ_ENCODER_BYTES) {
            CLQ_TRY(clq_output_write(encoder->output, number, offset, encoder->bytes, used, error));
            offset += used;
            used = 0;
        }
        written = clq_words_write(&run, codes, encoder->last_code, encoder->bytes + used);
        CLQ_TRY(clq_check_words(encoder->check, slot, piece, &run, encoder->bytes + used, &place, error));
        used += written;
        done += run.count;
    }
    if (bits == 4) {
        const uint8_t final = codes[(chunk->count - 1) / 2];
        encoder->last_code = chunk->count % 2 != 0 ? final & 15u : (uint8_t)(final >> 4);
    }
    return clq_output_write(encoder->output, number, offset, encoder->bytes, used, error);
}

/* Room for whole rows of words; they begin at the tensor's first. */
static clq_status begin_words(clq_encoder *encoder, uint64_t groups, clq_error *error)
{
    const uint64_t room = groups > LEAST_WORDS ? groups : LEAST_WORDS / groups * groups;
    if (room > encoder->room) {
        uint32_t *larger =
            room <= SIZE_MAX / sizeof *larger ? realloc(encoder->words, (size_t)room * sizeof *larger) : NULL;
        if (larger == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to write zero points");
        }
        encoder->words = larger;
        encoder->room = room;
    }
    memset(encoder->words, 0, (size_t)encoder->room * sizeof *encoder->words);
    encoder->row = 0;
    return CLQ_OK;
}

/* `rows` rows of words, and room for those that follow. */
static clq_status write_words(clq_encoder *encoder, size_t number, uint64_t groups, uint64_t rows, clq_error *error)
{
    CLQ_TRY(clq_output_write(encoder->output, number, encoder->row * groups * sizeof(uint32_t), encoder->words,
                             rows * groups * sizeof(uint32_t), error));
    memset(encoder->words, 0, (size_t)(rows * groups) * sizeof(uint32_t));
    encoder->row += rows;
    return CLQ_OK;
}

clq_status clq_encode_zero_point_words(clq_encoder *encoder, const clq_model_plan_tensor *tensor, uint64_t first,
                                       uint64_t count, const int32_t *zero_point, clq_error *error)
{
    const clq_plan_part *part = &tensor->parts[CLQ_PART_ZERO_POINT];
    const unsigned bits = (unsigned)clq_dtype_bits(tensor->q.scheme.dtype);
    const uint64_t in_word = 32 / bits;
    const uint64_t groups = part->shape[1];
    uint64_t rows;
    if (first == 0) {
        CLQ_TRY(begin_words(encoder, groups, error));
    }
    rows = encoder->room / groups;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t row = (first + i) / groups;
        const uint64_t word_row = row / in_word;
        if (word_row == encoder->row + rows) {
            CLQ_TRY(write_words(encoder, part->number, groups, rows, error));
        }
        encoder->words[(word_row - encoder->row) * groups + (first + i) % groups] |=
            clq_word_of(bits, row, zero_point[i]);
    }
    return first + count == tensor->parameters
               ? write_words(encoder, part->number, groups, part->shape[0] - encoder->row, error)
               : CLQ_OK;
}
