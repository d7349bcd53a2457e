/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_join: what several runs have written of one output is put in its place. */
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/folder.h"
#include "model/part_journals.h"
#include "model/quantize_job.h"
#include "model/request.h"
#include "model/shown.h"

/* The path of the weights, whose parts there are. */
static clq_status find_output(const char *output, char **path, clq_error *error)
{
    *path = NULL;
    if (clq_is_folder(output)) {
        return clq_part_find_output(output, path, error);
    }
    *path = malloc(strlen(output) + 1);
    if (*path == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the path of the output");
    }
    memcpy(*path, output, strlen(output) + 1);
    return CLQ_OK;
}

/* The journal of the first part: all have the same request. */
static clq_status open_first(const char *output, clq_journal **journal, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_part_list list = {0};
    char *path = NULL;
    *journal = NULL;
    CLQ_TRY_TO(find_output(output, &path, error));
    CLQ_TRY_TO(path != NULL ? clq_part_list_find(path, &list, error) : CLQ_OK);
    CLQ_TRY_TO(list.count > 0 ? clq_journal_find(list.items[0].path, journal, error) : CLQ_OK);
    if (*journal == NULL) {
        status =
            clq_fail(error, CLQ_INVALID_ARGUMENT,
                     "%s: no part of it is there; parts are made by 'clquant quantize --part I/N' with the same -o",
                     clq_show(output).text);
    }
done:
    clq_part_list_release(&list);
    free(path);
    return status;
}

/* As the parts were asked for; what concerns this run alone is this request's. */
static clq_file_request joined_request(const clq_file_request *own, const clq_file_request *of_parts)
{
    clq_file_request request = *of_parts;
    request.output = own->output;
    request.replace |= own->replace;
    request.memory_bytes = own->memory_bytes;
    request.check = own->check;
    request.part = 1; /* of one: all pieces are looked at */
    request.parts = 1;
    request.resume = 1; /* what the parts have finished stays, whatever comes */
    return request;
}

/* What the first part's journal says of all. */
static clq_status read_first(const char *output, clq_read_request **of_parts, char **forms, clq_error *error)
{
    clq_error reason;
    clq_journal *journal = NULL;
    clq_status status;
    CLQ_TRY(open_first(output, &journal, error));
    status = clq_part_read_forms(journal, forms, &reason);
    status = status == CLQ_OK ? clq_part_read_request(journal, of_parts, &reason) : status;
    clq_journal_close(&journal);
    if (status == CLQ_OK) {
        status = clq_request_check(clq_request_that_was_read(*of_parts), &reason);
        status = status == CLQ_OK ? CLQ_OK : CLQ_BAD_FILE;
    }
    return status == CLQ_OK ? CLQ_OK
                            : clq_fail(error, status, "%s: the journal of its first part: %s", clq_show(output).text,
                                       reason.message);
}

static clq_status run(clq_job *call, clq_error *error)
{
    const clq_file_request *own = call->request;
    clq_status status = CLQ_OK;
    clq_read_request *of_parts = NULL;
    clq_file_request request;
    char *forms = NULL;
    CLQ_REQUIRE(own->output != NULL, "join: the request has no output");
    CLQ_TRY_TO(read_first(own->output, &of_parts, &forms, error));
    request = joined_request(own, clq_request_that_was_read(of_parts));
    call->request = &request;
    status = clq_quantize_run(call, forms, error);
    call->request = own;
done:
    clq_read_request_destroy(&of_parts);
    free(forms);
    return status;
}

clq_status clq_file_join(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                         clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    clq_job call;
    clq_status status = clq_job_begin(&call, "join", context, request, events, error);
    if (status == CLQ_OK) {
        status = run(&call, error);
    }
    return clq_job_end(&call, status, report);
}
