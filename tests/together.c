/* SPDX-License-Identifier: Apache-2.0 */
#include "together.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/error.h"

static void begin_round(together *all, clq_reduction how, size_t count)
{
    uint64_t **now = &all->numbers[all->rounds % 2];
    free(*now);
    *now = calloc(count + 1, sizeof **now);
    all->count = count;
    all->how = how;
    if (*now == NULL) {
        abort();
    }
}

static clq_status reduce(void *cookie, clq_reduction how, uint64_t *numbers, size_t count, clq_error *error)
{
    together_part *part = cookie;
    together *all = part->all;
    clq_status status = CLQ_OK;
    uint64_t round;
    pthread_mutex_lock(&all->lock);
    round = all->rounds;
    if (part->part == all->failing && round == all->fails_at) {
        pthread_mutex_unlock(&all->lock);
        return clq_fail(error, CLQ_IO_ERROR, "the others are gone");
    }
    if (all->arrived == 0) {
        begin_round(all, how, count);
    }
    all->differs |= all->count != count || all->how != how;
    for (size_t i = 0; i < count && !all->differs; i++) {
        uint64_t *sum = &all->numbers[round % 2][i];
        *sum = how == CLQ_REDUCE_SUM ? *sum + numbers[i] : numbers[i] > *sum ? numbers[i] : *sum;
    }
    all->arrived += 1;
    if (all->arrived == all->parts) {
        all->arrived = 0;
        all->rounds += 1;
        pthread_cond_broadcast(&all->changed);
    }
    while (all->rounds == round && !all->is_over) {
        pthread_cond_wait(&all->changed, &all->lock);
    }
    if (all->rounds == round) {
        status = clq_fail(error, CLQ_IO_ERROR, "another part has failed");
    } else {
        memcpy(numbers, all->numbers[round % 2], count * sizeof *numbers);
    }
    pthread_mutex_unlock(&all->lock);
    return status;
}

static int is_cancelled(void *cookie)
{
    together *all = ((together_part *)cookie)->all;
    int stops;
    pthread_mutex_lock(&all->lock);
    all->asked += 1;
    stops = all->stops_at > 0 && all->asked >= all->stops_at;
    pthread_mutex_unlock(&all->lock);
    return stops;
}

static void *run_one(void *cookie)
{
    together_part *part = cookie;
    together *all = part->all;
    const clq_file_events events = {
        .struct_size = sizeof events, .cookie = part, .reduce = reduce, .is_cancelled = is_cancelled};
    clq_file_request request = *part->request;
    clq_context *context = NULL;
    request.part = part->part;
    request.parts = all->parts;
    request.input = all->other != NULL && part->part == 2 ? all->other : request.input;
    part->status = clq_context_create("reference", &context, &part->error);
    if (part->status == CLQ_OK) {
        part->status = part->function(context, &request, &events, &part->report, &part->error);
    }
    clq_context_destroy(&context);
    if (part->status != CLQ_OK) {
        pthread_mutex_lock(&all->lock);
        all->is_over = 1;
        pthread_cond_broadcast(&all->changed);
        pthread_mutex_unlock(&all->lock);
    }
    return NULL;
}

void together_run(together_function *function, const clq_file_request *request, together *all, together_part *parts)
{
    all->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    all->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    for (uint32_t i = 0; i < all->parts; i++) {
        parts[i] = (together_part){.all = all, .request = request, .function = function, .part = i + 1};
        assert_int_equal(pthread_create(&parts[i].thread, NULL, run_one, &parts[i]), 0);
    }
    for (uint32_t i = 0; i < all->parts; i++) {
        assert_int_equal(pthread_join(parts[i].thread, NULL), 0);
    }
    free(all->numbers[0]);
    free(all->numbers[1]);
}

/* ---- reports as text ---- */

static void put(FILE *out, const char *name, const void *bytes, uint64_t count)
{
    fprintf(out, " %s ", bytes != NULL ? name : "-");
    for (uint64_t i = 0; bytes != NULL && i < count; i++) {
        fprintf(out, "%02x", ((const uint8_t *)bytes)[i]);
    }
}

static void put_tensor(FILE *out, const clq_file_tensor *t)
{
    const uint64_t bins = clq_histogram_bins(&t->q.scheme) * sizeof(uint64_t);
    fprintf(out, "%s %d %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, t->name, (int)t->outcome, t->source.dtype,
            t->target.dtype, t->elements, t->parameters, t->nonfinite.count, t->nonfinite.first_index);
    fprintf(out, " %a %a %d %a %" PRIu64 " %a %a %a %d %" PRIu64 " %" PRIu64, (double)t->range_low,
            (double)t->range_high, t->measured, t->errors.maximum, t->errors.maximum_index, t->errors.mean,
            t->errors.sqnr_db, t->errors.cosine, t->errors.exact, t->differing, t->batches);
    put(out, "range", t->range, t->parameters * 8);
    put(out, "found", t->found_range, t->parameters * 8);
    put(out, "threshold", t->threshold, t->parameters * sizeof *t->threshold);
    put(out, "kept", t->kept, t->parameters * 8);
    put(out, "histogram", t->histogram, t->parameters * bins);
    put(out, "worst", t->worst_histogram, bins);
    fprintf(out, " %" PRIu64 " %a\n", t->worst_parameter, t->expected_sqnr_db);
}

char *together_text(const clq_file_report *report)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    for (size_t i = 0; i < report->tensor_count; i++) {
        put_tensor(out, &report->tensors[i]);
    }
    fprintf(out, "%zu %" PRIu64 " %" PRIu64 " %s %d %d %" PRIu64 " %" PRIu64 "\n", report->processed_count,
            report->bytes_in, report->bytes_out, report->device, report->is_written, (int)report->check,
            report->check_seed, report->checked_elements);
    fclose(out);
    return text;
}
