/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "model/part_journals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/folder.h"
#include "format/numbers.h"
#include "format/output_path.h"
#include "model/shown.h"

static const char BEFORE[] = ".part-";
static const char BETWEEN[] = "-of-";
static const char AFTER[] = ".journal";
static const char FORMS[] = "forms ";

/* Of the output's name: with two numbers, the words and what other files beside it are called, 255 are not exceeded. */
enum { MOST_NAME_BYTES = 200 };

static clq_status no_memory(clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the journals of parts");
}

/* Links are followed first: journals stand beside the file that is written, whatever it is called by. */
int clq_part_has_name(const char *output)
{
    char *target = clq_path_target(output);
    const int has = target == NULL || strlen(clq_path_file_name(target)) <= MOST_NAME_BYTES;
    free(target);
    return has;
}

static char *path_of(const char *target, uint32_t part, uint32_t parts)
{
    const size_t bytes = strlen(target) + 40;
    char *path = malloc(bytes);
    if (path != NULL) {
        snprintf(path, bytes, "%s%s%" PRIu32 "%s%" PRIu32, target, BEFORE, part, BETWEEN, parts);
    }
    return path;
}

char *clq_part_path(const char *output, uint32_t part, uint32_t parts)
{
    char *target = clq_path_target(output);
    char *path = target != NULL ? path_of(target, part, parts) : NULL;
    free(target);
    return path;
}

/* The folder that a path lies in, malloc'ed. */
static char *folder_of(const char *path)
{
    const size_t length = (size_t)(clq_path_file_name(path) - path);
    return length == 0 ? strdup(".") : strndup(path, length);
}

static int read_number(const char *text, size_t length, uint32_t *number)
{
    char digits[12];
    uint64_t value = 0;
    if (length == 0 || length >= sizeof digits || text[0] == '0') {
        return 0;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (!clq_parse_u64(digits, 1, UINT32_MAX, &value)) {
        return 0;
    }
    *number = (uint32_t)value;
    return 1;
}

/* ".NAME.part-2-of-4.journal": the numbers, and the length of NAME. */
static int read_name(const char *name, size_t *length, uint32_t *part, uint32_t *parts)
{
    const size_t all = strlen(name);
    const char *before = NULL;
    const char *between = NULL;
    if (name[0] != '.' || !clq_ends_with(name, AFTER)) {
        return 0;
    }
    for (const char *at = strstr(name, BEFORE); at != NULL; at = strstr(at + 1, BEFORE)) {
        before = at; /* the last: NAME may hold the word too */
    }
    between = before != NULL ? strstr(before, BETWEEN) : NULL;
    if (between == NULL) {
        return 0;
    }
    *length = (size_t)(before - name) - 1;
    before += strlen(BEFORE);
    return read_number(before, (size_t)(between - before), part) &&
           read_number(between + strlen(BETWEEN), all - strlen(AFTER) - (size_t)(between + strlen(BETWEEN) - name),
                       parts);
}

static int in_order(const void *a, const void *b)
{
    const clq_part_journal *x = a;
    const clq_part_journal *y = b;
    return x->parts != y->parts ? (x->parts > y->parts) - (x->parts < y->parts)
                                : (x->part > y->part) - (x->part < y->part);
}

clq_status clq_part_list_find(const char *output, clq_part_list *list, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    char *target = clq_path_target(output);
    char *folder = target != NULL ? folder_of(target) : NULL;
    const char *own = target != NULL ? clq_path_file_name(target) : NULL;
    memset(list, 0, sizeof *list);
    if (folder == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    if (!clq_is_folder(folder)) {
        goto done;
    }
    CLQ_TRY_TO(clq_folder_names(folder, &names, error));
    list->items = calloc(names.count + 1, sizeof *list->items);
    if (list->items == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
    for (size_t i = 0; i < names.count; i++) {
        clq_part_journal *item = &list->items[list->count];
        size_t length = 0;
        if (read_name(names.names[i], &length, &item->part, &item->parts) && length == strlen(own) &&
            memcmp(names.names[i] + 1, own, length) == 0) {
            item->path = path_of(target, item->part, item->parts);
            if (item->path == NULL) {
                CLQ_TRY_TO(no_memory(error));
            }
            list->count++;
        }
    }
    qsort(list->items, list->count, sizeof *list->items, in_order);
done:
    clq_name_set_release(&names);
    free(folder);
    free(target);
    if (status != CLQ_OK) {
        clq_part_list_release(list);
    }
    return status;
}

void clq_part_list_release(clq_part_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
    }
    free(list->items);
    memset(list, 0, sizeof *list);
}

clq_status clq_part_find_output(const char *folder, char **output, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_name_set names = {0};
    const char *found = NULL;
    *output = NULL;
    CLQ_TRY_TO(clq_folder_names(folder, &names, error));
    for (size_t i = 0; i < names.count; i++) {
        size_t length = 0;
        uint32_t part = 0;
        uint32_t parts = 0;
        if (read_name(names.names[i], &length, &part, &parts)) {
            names.names[i][1 + length] = '\0';
            if (found != NULL && strcmp(found, names.names[i] + 1) != 0) {
                CLQ_TRY_TO(clq_fail(error, CLQ_INVALID_ARGUMENT,
                                    "%s: holds parts of several outputs, '%s' and '%s'; the name of one is required",
                                    clq_show(folder).text, clq_show(found).text, clq_show(names.names[i] + 1).text));
            }
            found = names.names[i] + 1;
        }
    }
    *output = found != NULL ? clq_folder_path(folder, found) : NULL;
    if (found != NULL && *output == NULL) {
        CLQ_TRY_TO(no_memory(error));
    }
done:
    clq_name_set_release(&names);
    return status;
}

const char *clq_part_heading(const clq_journal *journal, size_t *bytes)
{
    size_t all = 0;
    const char *heading = clq_journal_heading(journal, &all);
    const char *const end = heading + all;
    const char *line = heading;
    while (line < end && ((size_t)(end - line) < strlen(FORMS) || memcmp(line, FORMS, strlen(FORMS)) != 0)) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        line = newline != NULL ? newline + 1 : end;
    }
    *bytes = (size_t)(line - heading);
    return heading;
}

/* What follows on the heading; *bytes of it. */
static const char *rest_of(const clq_journal *journal, size_t *bytes)
{
    size_t own = 0;
    const char *heading = clq_part_heading(journal, &own);
    (void)clq_journal_heading(journal, bytes);
    *bytes -= own;
    return heading + own;
}

clq_status clq_part_write_rest(const clq_file_request *request, const clq_model_plan *plan, clq_text *out,
                               clq_error *error)
{
    clq_text_put(out, FORMS);
    for (size_t i = 0; i < plan->count; i++) {
        const char digit = (char)('0' + (int)plan->tensors[i].zero_point_form);
        clq_text_add(out, &digit, 1);
    }
    clq_text_put(out, "\n");
    return clq_request_write(request, out, error);
}

/* Past the line of forms. */
clq_status clq_part_read_request(const clq_journal *journal, clq_read_request **request, clq_error *error)
{
    size_t bytes = 0;
    const char *rest = rest_of(journal, &bytes);
    const char *newline = memchr(rest, '\n', bytes);
    const size_t forms = newline != NULL ? (size_t)(newline - rest) + 1 : bytes;
    return clq_request_read(rest + forms, bytes - forms, request, error);
}

/* The bits: a number that was read is the number that was written. */
static int is_same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

clq_status clq_part_check_gates(const clq_journal *journal, const clq_file_request *of_all, clq_error *error)
{
    clq_read_request *read = NULL;
    const clq_file_request *own;
    clq_status status = CLQ_OK;
    CLQ_TRY(clq_part_read_request(journal, &read, error));
    own = clq_request_that_was_read(read);
    if (own->strict != of_all->strict || own->allow_empty != of_all->allow_empty ||
        own->has_minimum_sqnr != of_all->has_minimum_sqnr ||
        !is_same_double(own->minimum_sqnr_db, of_all->minimum_sqnr_db)) {
        status = clq_fail(error, CLQ_INVALID_ARGUMENT,
                          "its --fail-sqnr-below, --strict or --allow-empty differs from that of the first part, and "
                          "all parts must have the same; --force begins a part anew");
    }
    clq_read_request_destroy(&read);
    return status;
}

clq_status clq_part_read_forms(const clq_journal *journal, char **forms, clq_error *error)
{
    size_t bytes = 0;
    const char *rest = rest_of(journal, &bytes);
    const char *newline = memchr(rest, '\n', bytes);
    *forms = NULL;
    if (newline == NULL) {
        return clq_fail(error, CLQ_BAD_FILE, "it is not that of a part");
    }
    *forms = strndup(rest + strlen(FORMS), (size_t)(newline - rest) - strlen(FORMS));
    return *forms != NULL ? CLQ_OK : no_memory(error);
}

clq_status clq_part_set_forms(const char *forms, clq_model_plan *plan, clq_error *error)
{
    const size_t count = strlen(forms);
    if (count != plan->count || strspn(forms, "012") != count) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "the journal of a part tells of the zero points of %zu tensors, and the input has %zu", count,
                        plan->count);
    }
    for (size_t i = 0; i < count; i++) {
        plan->tensors[i].zero_point_form = (clq_zero_point_form)(forms[i] - '0');
    }
    return CLQ_OK;
}
