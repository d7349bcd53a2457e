/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command/verbs/kinds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/frame/width.h"
#include "command/verbs/report.h"

enum { WORST_ROWS = 10, SPARED_ROWS = 2, KIND_ROWS = 20 };

size_t cli_worst_rows(size_t count, int all)
{
    return all || count <= WORST_ROWS + SPARED_ROWS ? count : WORST_ROWS;
}

double cli_greatest_sqnr(const clq_file_tensor *const *tensors, size_t count)
{
    double most = 0.0;
    for (size_t i = 0; i < count; i++) {
        const clq_errors *errors = &tensors[i]->errors;
        most = tensors[i]->measured && isfinite(errors->sqnr_db) ? fmax(most, errors->sqnr_db) : most;
    }
    return most;
}

void cli_sqnr_bar_cell(cli_table *table, const clq_file_tensor *tensor, double most)
{
    static const char all[] = "############";
    const double share = tensor->measured && most > 0.0 ? tensor->errors.sqnr_db / most : 0.0;
    const int drawn = isfinite(share) && share > 0.0 && cli_has_room_for_bars();
    cli_table_cell(table, "%.*s", drawn ? (int)ceil(share * (sizeof all - 1)) : 0, all);
}

/* A tensor with the name of its kind. */
typedef struct member {
    char *kind;
    size_t place; /* among the tensors */
} member;

typedef struct kind {
    const member *first; /* its worst */
    size_t count;
    size_t best; /* the place of its best */
    double maximum;
} kind;

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "layers.12.up_proj" becomes "layers.*.up_proj"; numbers within words only where `everywhere`: conv1 and conv2 are two
 * kinds of layer in most models. The text gets no longer. */
static void fold(char *text, int everywhere)
{
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        const char *end = in;
        const int begins = in == text || in[-1] == '.' || in[-1] == '/';
        while (is_digit(*end)) {
            end++;
        }
        if (end > in && (everywhere || (begins && (*end == '\0' || *end == '.' || *end == '/')))) {
            *out++ = '*';
            in = end;
        } else if (end > in) {
            memmove(out, in, (size_t)(end - in));
            out += end - in;
            in = end;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
}

static int by_kind(const void *a, const void *b)
{
    const member *x = a;
    const member *y = b;
    const int order = strcmp(x->kind, y->kind);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_worst(const void *a, const void *b)
{
    const kind *x = a;
    const kind *y = b;
    return (x->first->place > y->first->place) - (x->first->place < y->first->place);
}

/* Returns how many kinds there are. */
static size_t gather(member *members, size_t count, const clq_file_tensor *const *tensors, kind *kinds)
{
    size_t found = 0;
    qsort(members, count, sizeof *members, by_kind);
    for (size_t i = 0; i < count; i++) {
        const clq_errors *errors = &tensors[members[i].place]->errors;
        kind *last = &kinds[found - (found > 0)];
        if (found == 0 || strcmp(last->first->kind, members[i].kind) != 0) {
            last = &kinds[found++];
            *last = (kind){.first = &members[i]};
        }
        last->count += 1;
        last->best = members[i].place;
        last->maximum = fmax(last->maximum, errors->maximum);
    }
    qsort(kinds, found, sizeof *kinds, by_worst);
    return found;
}

static void add_row(cli_table *table, const kind *row, const clq_file_tensor *const *tensors)
{
    const clq_file_tensor *worst = tensors[row->first->place];
    char low[40];
    char high[40];
    cli_table_cell(table, "%s", row->count == 1 ? worst->name : row->first->kind);
    cli_format_sqnr(low, sizeof low, &worst->errors);
    cli_format_sqnr(high, sizeof high, &tensors[row->best]->errors);
    if (strcmp(low, high) == 0) {
        cli_table_cell(table, "%s", low);
    } else if (isfinite(worst->errors.sqnr_db) && isfinite(tensors[row->best]->errors.sqnr_db)) {
        cli_table_cell(table, "%.2f to %s", worst->errors.sqnr_db, high);
    } else {
        cli_table_cell(table, "%s to %s", low, high);
    }
    cli_table_cell(table, "%.4g", row->maximum);
    cli_table_cell(table, "%zu", row->count);
}

static clq_status print(const kind *kinds, size_t count, const clq_file_tensor *const *tensors, clq_error *error)
{
    static const char *const TITLES[] = {"tensor", "SQNR", "max error", "tensors"};
    cli_table *table = cli_table_create(4, TITLES, "<>>>");
    clq_status status;
    for (size_t i = 0; i < count && i < KIND_ROWS; i++) {
        add_row(table, &kinds[i], tensors);
    }
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    if (status == CLQ_OK && count > KIND_ROWS) {
        cli_line(stdout, "... and %zu more kinds with smaller errors", count - KIND_ROWS);
    }
    return status;
}

clq_status cli_print_kinds(const clq_file_tensor *const *tensors, size_t count, clq_error *error)
{
    clq_status status = CLQ_OK;
    member *members = calloc(count + 1, sizeof *members);
    kind *kinds = calloc(count + 1, sizeof *kinds);
    size_t found = 0;
    if (members == NULL || kinds == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report"));
    }
    for (size_t i = 0; i < count; i++) {
        members[i].place = i;
        members[i].kind = strdup(tensors[i]->name);
        if (members[i].kind == NULL) {
            CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for the report"));
        }
        fold(members[i].kind, 0);
    }
    found = gather(members, count, tensors, kinds);
    if (found > KIND_ROWS) {
        for (size_t i = 0; i < count; i++) {
            fold(members[i].kind, 1);
        }
        found = gather(members, count, tensors, kinds);
    }
    cli_line(stdout, "%s", "");
    cli_line(stdout, "%zu more with smaller errors, by kind (--verbose lists each):", count);
    CLQ_TRY_TO(print(kinds, found, tensors, error));
done:
    for (size_t i = 0; members != NULL && i < count; i++) {
        free(members[i].kind);
    }
    free(members);
    free(kinds);
    return status;
}
