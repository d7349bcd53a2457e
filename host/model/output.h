/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file or files that a verb writes: one safetensors file, shards with their index, one .npy or one .gguf. Tensors
 * are declared first, then the layout is fixed, then data is written in any order. Nothing is seen under its final name
 * before clq_output_commit, which puts the shards in place first and the index last.
 */
#ifndef CLQ_HOST_MODEL_OUTPUT_H
#define CLQ_HOST_MODEL_OUTPUT_H

#include "format/model.h"
#include "format/text.h"
#include "model/job.h"

typedef struct clq_output clq_output;

/*
 * The kind follows from the end of `path`: ".safetensors.index.json" (with `shard_count` shards beside it, called
 * STEM-00001-of-00002.safetensors), ".npy" (one tensor), ".gguf", else one safetensors file.
 */
clq_status clq_output_create(const char *path, size_t shard_count, clq_output **output, clq_error *error);
void clq_output_destroy(clq_output **output); /* removes what was not committed */

/* Call shards as those of the model, if all of them are named NAME.safetensors, in the folder of the index. */
clq_status clq_output_keep_names(clq_output *output, const clq_model *model, clq_error *error);

/* Shards that tensors may be put into: 1 unless the output is sharded. */
size_t clq_output_shards(const clq_output *output);

/* Whether it is in shards; which then are [first, end) here, and the others are written in other file systems. */
int clq_output_is_sharded(const clq_output *output);
void clq_output_share(clq_output *output, size_t first, size_t end);

/* clq_path_check of every file of the output; with `replace` 0 or 1 no shard that is elsewhere may be there. */
clq_status clq_output_check(const clq_output *output, const clq_model *model, int replace, clq_error *error);

/* Refuse an output one of whose files is one of parameters (clq_request_refuse_given). */
clq_status clq_output_refuse_given(const clq_output *output, const clq_file_request *request, clq_error *error);

/* Whether one of the files of the output is there. */
int clq_output_is_there(const clq_output *output);

/* Whether `path` is one of the files of the output. */
int clq_output_takes(const clq_output *output, const char *path);

clq_status clq_output_tensor(clq_output *output, size_t shard, const char *name, const char *dtype, uint32_t rank,
                             const uint64_t *shape, uint64_t bytes, size_t *number, clq_error *error);
clq_status clq_output_metadata(clq_output *output, size_t shard, const char *key, const char *value, clq_error *error);

/* JSON text of the input index's "metadata", whose members other than total_size are kept; may be NULL. */
clq_status clq_output_index_metadata(clq_output *output, const char *metadata, clq_error *error);

/*
 * Of a .gguf, and else without effect: its keys are those of the model, which stays open and is a .gguf too
 * (CLQ_INVALID_ARGUMENT); but this key has that value.
 */
clq_status clq_output_gguf_keys(clq_output *output, const clq_model *model, clq_error *error);
void clq_output_gguf_set(clq_output *output, const char *key, uint32_t value);

/* Fix the layout; *bytes is the size of all files together. */
clq_status clq_output_layout(clq_output *output, uint64_t *bytes, clq_error *error);

/* Start writing: temporary files with their headers. Once, this or clq_output_open_partial. */
clq_status clq_output_open(clq_output *output, int replace, clq_error *error);

/* Data of tensor `number`, from byte `offset` of it on. */
clq_status clq_output_write(clq_output *output, size_t number, uint64_t offset, const void *memory, uint64_t bytes,
                            clq_error *error);

/*
 * What clq_output_commit calls besides: when all data is on disk and before the first file gets its name; when all
 * shards have theirs, before the index gets its own; and when all of it is in its place.
 */
typedef struct clq_output_steps {
    void *cookie;
    clq_status (*before)(void *cookie, clq_error *error);
    clq_status (*between)(void *cookie, clq_error *error);
    void (*after)(void *cookie);
} clq_output_steps;
void clq_output_set_steps(clq_output *output, const clq_output_steps *steps);

clq_status clq_output_commit(clq_output *output, clq_error *error);

/* Whether an earlier run gave the index its name already. */
int clq_output_index_is_placed(const clq_output *output);

/* The path it was created with. */
const char *clq_output_path(const clq_output *output);

/*
 * An output that another run can continue (docs/files.md, "Unfinished files"). How much of an earlier run is there:
 */
typedef enum clq_output_left {
    CLQ_OUTPUT_NOTHING_LEFT, /* what is found is removed */
    CLQ_OUTPUT_PART_LEFT,    /* files that are found are continued, others begun */
    CLQ_OUTPUT_ALL_LEFT      /* every byte is there: in a file to be continued, or under the final name already */
} clq_output_left;

/*
 * Start writing, as clq_output_open does, but for the headers: clq_output_settle_header. What an earlier run left stays
 * when this fails, and until clq_output_keep(output, 0) is called. The job, which lives as long as the output, tells
 * whether files are replaced, and may be cancelled while files are read back.
 */
clq_status clq_output_open_partial(clq_output *output, clq_job *job, clq_output_left left, clq_error *error);

/* Whether what is not committed stays when the output is destroyed. */
void clq_output_keep(clq_output *output, int keep);

/* Remove what an earlier run left of an output of `shard_count` shards. */
clq_status clq_output_discard_partial(const clq_output *output, size_t shard_count, clq_error *error);

/* Remove what all runs that share the output have written here, who must be about to end. */
void clq_output_drop_partial(const clq_output *output);

/* The hash of all bytes of tensor `number`, which were written by this run. */
clq_status clq_output_hash(const clq_output *output, size_t number, uint64_t *hash, clq_error *error);

/* The hash of the bytes of tensor `number` as they stand in the file; *there is 0 when it ends before them. */
clq_status clq_output_hash_in_file(const clq_output *output, size_t number, int *there, uint64_t *hash,
                                   clq_error *error);

/* Of tensor `number`: the shard it is in. */
size_t clq_output_shard_of(const clq_output *output, size_t number);

/*
 * The header of a shard: with `told`, what the journal tells of the shard is there to be continued, so that its header
 * must be the right one (CLQ_BAD_FILE); without, it is written.
 */
clq_status clq_output_settle_header(clq_output *output, size_t shard, int told, clq_error *error);

/*
 * After the layout: bytes [offset, offset + bytes) of tensor `number`, under a number of their own, to be written,
 * hashed and read back like a tensor.
 */
clq_status clq_output_window(clq_output *output, size_t number, uint64_t offset, uint64_t bytes, size_t *window,
                             clq_error *error);

/*
 * An output that several runs write at the same time, each to tensors and windows of its own: those shards to which
 * clq_output_use was called are opened, and what is there stays, whatever becomes of this run, unless it is dropped.
 * The job is that of clq_output_open_partial. Then their headers are written, the same by each run; the index is not.
 */
void clq_output_use(clq_output *output, size_t shard);
clq_status clq_output_open_shared(clq_output *output, clq_job *job, clq_error *error);
clq_status clq_output_begin_shared(clq_output *output, clq_error *error);

/* In between: whether nobody has written to a shard yet that this run writes to. */
int clq_output_is_new(const clq_output *output, size_t shard);

/*
 * Claim the shards that no other run has open, which is kept waiting then; and once it is known that nobody needs what
 * is in them, have them and those that this run does not write to removed when the output is destroyed.
 */
void clq_output_claim(clq_output *output);
void clq_output_drop_claimed(const clq_output *output);

/*
 * The same of runs that begin and end together: the first makes the files, before any other opens them, and commits
 * them, once all others have flushed what they wrote and called clq_output_leave. What is not committed is removed.
 */
clq_status clq_output_open_together(clq_output *output, int replace, int is_first, clq_error *error);
clq_status clq_output_leave(clq_output *output, clq_error *error);

/* Of an output whose parts are all written: refuse files of another size, and, unless they may have been given their
 * names already, files that lie in the place of what was written. */
clq_status clq_output_check_whole(const clq_output *output, int may_be_placed, clq_error *error);

/* Whether an earlier run gave all shards their names. */
int clq_output_is_placed(const clq_output *output);

/* Flush what was written to a shard to disk; for any thread. */
clq_status clq_output_flush(const clq_output *output, size_t shard, clq_error *error);

/* After clq_output_layout: what tells this layout from others, "output BYTES HASH" lines. */
void clq_output_describe(const clq_output *output, clq_text *out);

#endif
