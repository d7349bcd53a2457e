/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the runs that share an output keep their journals: ".NAME.part-2-of-4.journal" beside it. Behind the heading
 * that they have in common (checkpoint_heading.h) come lines for those who were not there:
 *
 *     forms DIGITS            of the zero points of each tensor, which the layout needs and only the data tells
 *     request FIELD VALUE     as in request_text.h
 */
#ifndef CLQ_HOST_MODEL_PART_JOURNALS_H
#define CLQ_HOST_MODEL_PART_JOURNALS_H

#include "format/journal.h"
#include "model/plan.h"
#include "model/request_text.h"

typedef struct clq_part_journal {
    uint32_t part, parts; /* "part-PART-of-PARTS" */
    char *path;           /* what clq_journal_find takes */
} clq_part_journal;

typedef struct clq_part_list {
    clq_part_journal *items; /* in the order of parts, then part */
    size_t count;
} clq_part_list;

/* The journals of parts beside the output, whatever is in them; a folder that is missing has none. */
clq_status clq_part_list_find(const char *output, clq_part_list *list, clq_error *error);
void clq_part_list_release(clq_part_list *list);

/* In a folder: the path of the output that there are journals of parts of, malloc'ed; NULL: there are none. Of several
 * outputs it is CLQ_INVALID_ARGUMENT. */
clq_status clq_part_find_output(const char *folder, char **output, clq_error *error);

/* What clq_journal_find takes for the journal of a part, malloc'ed; NULL without memory. */
char *clq_part_path(const char *output, uint32_t part, uint32_t parts);

/* Whether the name of the output leaves room for those of its parts' journals. */
int clq_part_has_name(const char *output);

/* The heading that all parts have in common: *bytes of it; and what follows on it. */
const char *clq_part_heading(const clq_journal *journal, size_t *bytes);
clq_status clq_part_write_rest(const clq_file_request *request, const clq_model_plan *plan, clq_text *out,
                               clq_error *error);
clq_status clq_part_read_request(const clq_journal *journal, clq_read_request **request, clq_error *error);

/* Refuse a part that was asked for with other gates than `of_all`, which decides for the whole output. */
clq_status clq_part_check_gates(const clq_journal *journal, const clq_file_request *of_all, clq_error *error);

/* The digits of the forms, malloc'ed; and what they say of the tensors of a plan: CLQ_BAD_FILE where it is another. */
clq_status clq_part_read_forms(const clq_journal *journal, char **forms, clq_error *error);
clq_status clq_part_set_forms(const char *forms, clq_model_plan *plan, clq_error *error);

#endif
