/* SPDX-License-Identifier: Apache-2.0 */
/* What journals tell, against the plan and the output: for runs that continue, and for those that join. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint_heading.h"
#include "model/checkpoint_inside.h"

int clq_is_line(const char *line, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(line, word, length) == 0;
}

clq_status clq_checkpoint_compare(const clq_journal *journal, const clq_checkpoint_run *run, int layout,
                                  clq_error *error)
{
    size_t bytes = 0;
    const char *heading = clq_part_heading(journal, &bytes);
    char *text = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(clq_heading_create(run, layout, &text, error));
    CLQ_TRY_TO(clq_heading_compare(run, heading, bytes, text, layout, error));
done:
    free(text);
    return status;
}

clq_status clq_checkpoint_fail_record(const clq_checkpoint_run *run, clq_error *error)
{
    char shown[400];
    clq_printable(shown, sizeof shown, clq_output_path(run->output), strlen(clq_output_path(run->output)));
    return clq_fail(error, CLQ_BAD_FILE,
                    "%s: the journal of an earlier run tells of tensors that this run has not; without --resume, "
                    "--force begins anew",
                    shown);
}

static clq_status compare_hash(const clq_checkpoint_run *run, const clq_model_plan_tensor *tensor, size_t number,
                               uint64_t told, clq_error *error)
{
    int there = 0;
    uint64_t hash = 0;
    CLQ_TRY(clq_output_hash_in_file(run->output, number, &there, &hash, error));
    if (!there || hash != told) {
        char shown[400];
        char name[200];
        const char *own = run->plan->model->tensors[tensor->index].name;
        clq_printable(shown, sizeof shown, clq_output_path(run->output), strlen(clq_output_path(run->output)));
        clq_printable(name, sizeof name, own, strlen(own));
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: what an earlier run left of tensor '%s' is not what it wrote; without --resume, --force "
                        "begins anew",
                        shown, name);
    }
    return CLQ_OK;
}

clq_status clq_checkpoint_read(clq_journal *journal, const clq_checkpoint_run *run, int lenient,
                               clq_record_hashes *hashes, clq_error *error)
{
    const char *line = NULL;
    size_t length = 0;
    while (clq_journal_next(journal, &line, &length)) {
        clq_record_hashes own;
        const clq_model_plan_tensor *tensor;
        if (clq_is_line(line, length, CLQ_COMPLETE) || clq_is_line(line, length, CLQ_JOINED)) {
            continue;
        }
        if (lenient) {
            const size_t number = clq_record_number(line, length, run->work);
            if (number < run->work->count && run->work->tensors[number].written) {
                continue;
            }
        }
        tensor = clq_record_parse(line, length, run->work, &own);
        if (tensor == NULL) {
            return clq_checkpoint_fail_record(run, error);
        }
        hashes[tensor->number] = own;
    }
    clq_journal_rewind(journal);
    return CLQ_OK;
}

clq_status clq_checkpoint_verify(const clq_checkpoint_run *run, const clq_record_hashes *hashes, clq_error *error)
{
    for (size_t i = 0; i < run->work->count; i++) {
        const clq_model_plan_tensor *tensor = &run->work->tensors[i];
        for (clq_part part = CLQ_PART_CODES; part < CLQ_PARTS && tensor->written && !tensor->elsewhere; part++) {
            if (clq_part_is_there(tensor, part)) {
                CLQ_TRY(compare_hash(run, tensor, tensor->parts[part].number, hashes[i].part[part], error));
            }
        }
    }
    return CLQ_OK;
}
