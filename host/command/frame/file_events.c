/* SPDX-License-Identifier: Apache-2.0 */
#include "command/frame/file_events.h"

#include "command/frame/ranks.h"

#include <string.h>

static void show_progress(void *cookie, const clq_file_progress *now)
{
    cli_file_events *state = cookie;
    const cli_ranks *ranks = cli_ranks_in_use();
    cli_rank_progress all = {now->done_bytes, now->all_bytes, now->skipped_bytes};
    if (ranks != NULL) {
        ranks->progress(&all);
    }
    if (!state->shows_progress) {
        state->progress = cli_progress_begin(state->options, now->operation, all.all_bytes);
        state->shows_progress = 1;
    }
    cli_progress_total(state->progress, all.all_bytes);
    if (all.skipped_bytes != state->skipped_bytes) {
        cli_progress_skip(state->progress, all.done_bytes);
        state->skipped_bytes = all.skipped_bytes;
    }
    if (now->after != NULL && all.done_bytes >= all.all_bytes) {
        cli_progress_finish(state->progress, now->after);
    } else if (now->after != NULL || now->tensor != NULL) { /* other ranks may be at work still */
        cli_progress_at(state->progress, all.done_bytes, now->after != NULL ? now->after : now->tensor);
    }
}

static void show_message(void *cookie, clq_log_level level, const char *message)
{
    const cli_file_events *state = cookie;
    if (level == CLQ_LOG_WARNING) {
        cli_warning(state->options, "%s", message);
    } else {
        cli_note(state->options, "%s", message);
    }
}

static clq_status open_device(void *cookie, clq_context **context, clq_error *error)
{
    cli_file_events *state = cookie;
    CLQ_TRY(cli_open_device(state->options, &state->context, error));
    CLQ_TRY(cli_bound_device(state->options, 0, &state->context, error));
    *context = state->context;
    return CLQ_OK;
}

static clq_status open_devices(void *cookie, clq_context *const **contexts, size_t *count, clq_error *error)
{
    cli_file_events *state = cookie;
    CLQ_TRY(cli_open_devices(state->options, &state->contexts, &state->context_count, error));
    *contexts = state->contexts;
    *count = state->context_count;
    return CLQ_OK;
}

void cli_file_events_begin(cli_file_events *state, const cli_options *options)
{
    memset(state, 0, sizeof *state);
    state->options = options;
    state->events.struct_size = sizeof state->events;
    state->events.cookie = state;
    state->events.progress = show_progress;
    state->events.message = show_message;
    state->events.is_cancelled = cli_is_cancelled;
    state->events.open_device = open_device;
    state->events.open_devices = cli_asks_devices(options) ? open_devices : NULL;
    state->events.reduce = cli_ranks_in_use() != NULL ? cli_ranks_in_use()->reduce : NULL;
    state->events.exchange = cli_ranks_in_use() != NULL ? cli_ranks_in_use()->exchange : NULL;
}

void cli_file_events_end(cli_file_events *state)
{
    cli_progress_end(&state->progress);
    cli_close_device(state->options, &state->context);
    cli_close_devices(&state->contexts, &state->context_count);
}
