/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void clq_verify_request_init(clq_verify_request *request)
{
    memset(request, 0, sizeof *request);
    request->struct_size = sizeof *request;
    request->extent = CLQ_VERIFY_STANDARD;
}

const char *clq_verify_verdict_name(clq_verify_verdict verdict)
{
    static const char *const names[] = {"ok", "differs", "failed", "skipped"};
    return (unsigned)verdict <= CLQ_VERIFY_SKIPPED ? names[verdict] : "?";
}

/* ---- cases ---- */

/* There are a few dozen operations, whose names many cases share. */
static const char *operation_of(clq_verify_report_made *made, const char *operation)
{
    size_t i = 0;
    while (i < CLQ_VERIFY_MOST_OPERATIONS - 1 && made->operations[i][0] != '\0' &&
           strcmp(made->operations[i], operation) != 0) {
        i++;
    }
    if (made->operations[i][0] == '\0') {
        strncpy(made->operations[i], operation, CLQ_VERIFY_OPERATION_NAME - 1);
    }
    return made->operations[i];
}

/* NULL stays NULL; *failed is set where there was no memory. */
static void *copy(const void *from, size_t bytes, int *failed)
{
    void *to = from != NULL ? malloc(bytes) : NULL;
    if (to != NULL) {
        memcpy(to, from, bytes);
    }
    *failed |= from != NULL && to == NULL;
    return to;
}

static void *copy_text(const char *text, int *failed)
{
    return copy(text, text != NULL ? strlen(text) + 1 : 0, failed);
}

/* What is the report's own was made by it: casts take away no const that was there. */
static void release_case(const clq_verify_case *c)
{
    free((void *)(uintptr_t)c->name);
    free((void *)(uintptr_t)c->reason);
    free((void *)(uintptr_t)c->difference);
    free((void *)(uintptr_t)c->reproducer);
    free((void *)(uintptr_t)c->story);
}

clq_status clq_verify_report_create(const clq_verify_report *facts, clq_verify_report **report, clq_error *error)
{
    clq_verify_report_made *made = calloc(1, sizeof *made);
    *report = NULL;
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    made->report.device = facts->device;
    made->report.extent = facts->extent;
    made->report.seed = facts->seed;
    made->report.planned_count = facts->planned_count;
    made->report.group_count = facts->group_count;
    *report = &made->report;
    return CLQ_OK;
}

static void keep_story(clq_verify_report_made *made, const clq_verify_case *what)
{
    if (what->story != NULL && (made->first.status == CLQ_OK || what->number < made->first_number)) {
        made->first = *what->story;
        made->first_number = what->number;
    }
}

/* The case of that number, which is in the report. */
static clq_verify_case *case_of(clq_verify_report_made *made, size_t number)
{
    size_t low = 0;
    size_t high = made->report.case_count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (made->cases[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return &made->cases[low];
}

static int compare_numbers(const void *a, const void *b)
{
    const clq_verify_case *left = a;
    const clq_verify_case *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* Where time is up a hundred thousand cases come at once: room is not made for each of them among all the others. */
void clq_verify_report_order(const clq_verify_report *report)
{
    clq_verify_report_made *made = (clq_verify_report_made *)(uintptr_t)report; /* which made it */
    if (made->is_unordered) {
        qsort(made->cases, made->report.case_count, sizeof *made->cases, compare_numbers);
        made->is_unordered = 0;
    }
}

/* Where a case of that number stands; one that was left out, behind all for now. */
static size_t find_place(clq_verify_report_made *made, const clq_verify_case *mine)
{
    size_t place = made->report.case_count;
    if (mine->is_left_out) {
        made->is_unordered |= place > 0 && made->cases[place - 1].number > mine->number;
        return place;
    }
    clq_verify_report_order(&made->report);
    while (place > 0 && made->cases[place - 1].number > mine->number) {
        place--;
    }
    return place;
}

/* The compiler's log goes with the first case of its reason, whichever was entered first. */
static void keep_log(clq_verify_report_made *made, clq_verify_case *mine, const clq_error *story)
{
    if (story == NULL || story->build_log[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < made->log_count; i++) {
        clq_verify_case *other = case_of(made, made->logs[i]);
        if (strcmp(other->reason, mine->reason) == 0) {
            if (mine->number < other->number) {
                mine->story = other->story;
                other->story = NULL;
                made->logs[i] = mine->number;
            }
            return;
        }
    }
    if (made->log_count < CLQ_VERIFY_LOGS) {
        int failed = 0; /* a report without the log is one all the same */
        mine->story = copy(story, sizeof *story, &failed);
        made->logs[made->log_count] = mine->number;
        made->log_count += mine->story != NULL;
    }
}

clq_status clq_verify_report_add(clq_verify_report *report, const clq_verify_case *what, clq_error *error)
{
    clq_verify_report_made *made = (clq_verify_report_made *)report; /* of which it is the first member */
    clq_verify_case mine = *what;
    size_t place;
    int failed = 0;
    if (made->report.case_count == made->capacity) {
        const size_t capacity = 2 * made->capacity + 256;
        clq_verify_case *grown = realloc(made->cases, capacity * sizeof *grown);
        if (grown == NULL) {
            return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
        }
        made->cases = grown;
        made->report.cases = grown;
        made->capacity = capacity;
    }
    mine.operation = operation_of(made, what->operation);
    mine.name = copy_text(what->name, &failed);
    mine.reason = copy_text(what->reason, &failed);
    mine.difference = copy(what->difference, sizeof *what->difference, &failed);
    mine.reproducer = copy_text(what->reproducer, &failed);
    mine.story = NULL;
    if (failed) {
        release_case(&mine);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report");
    }
    place = find_place(made, &mine);
    memmove(&made->cases[place + 1], &made->cases[place], (made->report.case_count - place) * sizeof mine);
    made->cases[place] = mine;
    made->report.case_count++;
    keep_story(made, what);
    keep_log(made, &made->cases[place], what->story);
    made->report.counts[what->verdict]++;
    made->report.left_out_count += what->is_left_out != 0;
    return CLQ_OK;
}

void clq_verify_report_destroy(clq_verify_report **report)
{
    if (report != NULL && *report != NULL) {
        clq_verify_report_made *made = (clq_verify_report_made *)*report;
        for (size_t i = 0; i < made->report.case_count; i++) {
            release_case(&made->cases[i]);
        }
        free(made->cases);
        free(made);
        *report = NULL;
    }
}

/* ---- what came of it ---- */

static const clq_verify_case *first_of(const clq_verify_report *report, clq_verify_verdict verdict)
{
    size_t i = 0;
    while (report->cases[i].verdict != verdict) {
        i++;
    }
    return &report->cases[i];
}

/* A difference counts for more than a failure. */
clq_status clq_verify_report_conclude(const clq_verify_report *report, clq_error *error)
{
    const clq_verify_report_made *made = (const clq_verify_report_made *)report;
    clq_verify_report_order(report);
    if (report->counts[CLQ_VERIFY_DIFFERS] > 0) {
        return clq_fail(error, CLQ_MISMATCH, "%s: %zu of %zu cases differ from the reference, the first is %s",
                        report->device.name, report->counts[CLQ_VERIFY_DIFFERS], report->case_count,
                        first_of(report, CLQ_VERIFY_DIFFERS)->name);
    }
    if (report->counts[CLQ_VERIFY_FAILED] > 0) {
        const clq_verify_case *first = first_of(report, CLQ_VERIFY_FAILED);
        if (error != NULL) {
            *error = made->first;
        }
        return clq_fail_in(error, CLQ_DEVICE_ERROR, "%s: %zu of %zu cases failed, the first is %s", report->device.name,
                           report->counts[CLQ_VERIFY_FAILED], report->case_count, first->name);
    }
    return CLQ_OK;
}
