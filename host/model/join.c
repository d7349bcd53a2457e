/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_join: what several runs have written of one output is put in its place. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>

#include "core/float_mode.h"
#include "format/folder.h"
#include "format/output_path.h"
#include "model/checkpoint_heading.h"
#include "model/part_journals.h"
#include "model/quantize_job.h"
#include "model/request.h"
#include "model/shown.h"

/* What the journals of the parts say, and where the output is that they are of. */
typedef struct told {
    clq_read_request *request;
    char *forms;
    char *output; /* the weights, or the folder that all of it is */
} told;

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the path of the output");
}

/* The path of the weights, whose parts there are; NULL: there are none. */
static clq_status find_weights(const char *output, char **path, clq_error *error)
{
    *path = NULL;
    if (clq_is_folder(output)) {
        return clq_part_find_output(output, path, error);
    }
    *path = strdup(output);
    return *path != NULL ? CLQ_OK : no_memory(error);
}

/* The first journal that tells something, since all have the same request: a part that was killed when it had just
 * begun left one that does not. NULL: there is none. */
static clq_status open_first(const char *weights, clq_journal **journal, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_part_list list = {0};
    clq_status read = CLQ_OK;
    *journal = NULL;
    CLQ_TRY_TO(clq_part_list_find(weights, &list, error));
    for (size_t i = 0; i < list.count && *journal == NULL; i++) {
        const clq_status own = clq_journal_peek(list.items[i].path, journal, read == CLQ_OK ? error : NULL);
        read = read == CLQ_OK ? own : read;
    }
    status = *journal == NULL ? read : CLQ_OK;
done:
    clq_part_list_release(&list);
    return status;
}

/* As the parts were asked for; what concerns this run alone is this request's. */
static clq_file_request joined_request(const clq_file_request *own, const told *said)
{
    clq_file_request request = *clq_request_that_was_read(said->request);
    request.output = said->output;
    request.replace |= own->replace;
    request.memory_bytes = own->memory_bytes;
    request.check = own->check;
    request.part = 1; /* of one: all pieces are looked at */
    request.parts = 1;
    request.resume = 1; /* what the parts have finished stays, whatever comes */
    return request;
}

/* The output is what the parts were to make, also where its other name was given: a folder for the weights in it, or
 * the other way round. */
static clq_status name_output(const clq_journal *journal, const char *weights, char **output, clq_error *error)
{
    size_t bytes = 0;
    const char *heading = clq_journal_heading(journal, &bytes);
    const size_t folder = (size_t)(clq_path_file_name(weights) - weights);
    if (!clq_heading_writes_folder(heading, bytes)) {
        *output = strdup(weights);
    } else {
        *output = folder > 0 ? strndup(weights, folder) : strdup("./");
    }
    return *output != NULL ? CLQ_OK : no_memory(error);
}

static clq_status read_first(const char *output, told *said, clq_error *error)
{
    clq_error reason;
    clq_journal *journal = NULL;
    char *weights = NULL;
    clq_status status = CLQ_OK;
    CLQ_TRY_TO(find_weights(output, &weights, error));
    CLQ_TRY_TO(weights != NULL ? open_first(weights, &journal, error) : CLQ_OK);
    if (journal == NULL) {
        CLQ_TRY_TO(
            clq_fail(error, CLQ_INVALID_ARGUMENT,
                     "%s: no part of it is there; parts are made by 'clquant quantize --part I/N' with the same -o",
                     clq_show(output).text));
    }
    status = clq_part_read_forms(journal, &said->forms, &reason);
    status = status == CLQ_OK ? clq_part_read_request(journal, &said->request, &reason) : status;
    if (status == CLQ_OK) {
        status = clq_request_check(clq_request_that_was_read(said->request), &reason);
        status = status == CLQ_OK ? CLQ_OK : CLQ_BAD_FILE;
    }
    status = status == CLQ_OK ? name_output(journal, weights, &said->output, &reason) : status;
    if (status != CLQ_OK) {
        status =
            clq_fail(error, status, "%s: the journal of its first part: %s", clq_show(output).text, reason.message);
    }
done:
    clq_journal_close(&journal);
    free(weights);
    return status;
}

static clq_status run(clq_job *call, clq_error *error)
{
    const clq_file_request *own = call->request;
    clq_status status = CLQ_OK;
    told said = {0};
    clq_file_request request;
    CLQ_REQUIRE(own->output != NULL, "join: the request has no output");
    CLQ_TRY_TO(read_first(own->output, &said, error));
    request = joined_request(own, &said);
    call->request = &request;
    status = clq_quantize_run(call, said.forms, error);
    call->request = own;
done:
    clq_read_request_destroy(&said.request);
    free(said.forms);
    free(said.output);
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
