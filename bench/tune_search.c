/* SPDX-License-Identifier: Apache-2.0 */
#include "tune_search.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROUNDS = 3, LAST_ROUNDS = 9, CONFIRMATIONS = 3 };

/* What a value must win by at least, however quiet the machine is. */
static const double least_gain = 0.02;

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* No slower as a whole, and no problem slower by more than the noise. */
static int is_harmless(const tune_score *score, double noise)
{
    return !score->is_rejected && score->mean < 1.0 && score->worst <= 1.0 + greater(noise, least_gain);
}

/* A candidate must besides be faster by twice the noise. */
static int wins(const tune_score *score, double noise)
{
    return is_harmless(score, noise) && score->mean < 1.0 - greater(2.0 * noise, least_gain);
}

typedef struct search {
    const tune_meter *meter;
    const clq_tunable *tunables;
    size_t tunable_count;
    const clq_tuned_value *untuned;
    clq_tuned_value *tables[TUNE_MAX_TABLES]; /* candidates, best first */
    uint32_t operations;                      /* that were asked for */
    double end;                               /* of the time of this tunable */
    double last;                              /* of all time for searching; what confirms comes behind */
} search;

/* ---- one tunable ---- */

static void copy_table(const search *s, clq_tuned_value *to, const clq_tuned_value *from)
{
    memcpy(to, from, s->tunable_count * sizeof *to);
}

/* `base` with another value, which is no longer tuned where it is that of an untuned device. */
static void make_candidate(const search *s, clq_tuned_value *table, const clq_tuned_value *base, size_t number,
                           uint32_t value)
{
    const clq_tuned_value tuned = {value, 1};
    copy_table(s, table, base);
    table[number] = value == s->untuned[number].value ? s->untuned[number] : tuned;
}

/* Values other than that of `base`. */
static size_t list_candidates(const search *s, size_t number, const clq_tuned_value *base)
{
    const clq_tunable *t = &s->tunables[number];
    size_t count = 0;
    for (size_t i = 0; i < t->value_count && count < TUNE_MAX_TABLES; i++) {
        if (t->values[i] != base[number].value) {
            make_candidate(s, s->tables[count++], base, number, t->values[i]);
        }
    }
    return count;
}

/* The better half of what was not rejected, best first; at least one. */
static size_t better_half(clq_tuned_value **tables, tune_score *scores, size_t count, size_t *rejected)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        size_t place = left;
        clq_tuned_value *table = tables[i];
        const tune_score score = scores[i];
        if (score.is_rejected) {
            ++*rejected;
            continue;
        }
        tables[i] = tables[left]; /* rejected, or itself: each stays somewhere, for the next search */
        for (; place > 0 && scores[place - 1].mean > score.mean; place--) {
            tables[place] = tables[place - 1];
            scores[place] = scores[place - 1];
        }
        tables[place] = table;
        scores[place] = score;
        left++;
    }
    return left - left / 2;
}

/* The best of all values in tables[0], unless *count becomes 0. */
static clq_status halve(search *s, uint32_t operations, const clq_tuned_value *base, size_t *count, tune_row *row,
                        clq_error *error)
{
    const tune_meter *m = s->meter;
    int rounds = FIRST_ROUNDS;
    do {
        tune_score scores[TUNE_MAX_TABLES] = {{0}};
        CLQ_TRY(
            m->measure(m->cookie, operations, base, s->tables, *count, rounds, s->last, scores, &row->noise, error));
        if (scores[0].is_left_out) {
            row->outcome = TUNE_NOT_REACHED;
            *count = 0;
            return CLQ_OK;
        }
        *count = better_half(s->tables, scores, *count, &row->rejected);
        row->mean = *count > 0 ? scores[0].mean : 1.0;
        rounds *= 2;
    } while (*count > 1 && m->now(m->cookie) < s->end);
    return CLQ_OK;
}

/* Whether a table beats another each time; not when the time was over before, which the row tells. */
static clq_status confirm(const search *s, uint32_t operations, const clq_tuned_value *base, clq_tuned_value *table,
                          tune_row *row, int *won, clq_error *error)
{
    const tune_meter *m = s->meter;
    *won = 1;
    for (int i = 0; i < CONFIRMATIONS && *won; i++) {
        tune_score score = {0};
        CLQ_TRY(m->measure(m->cookie, operations, base, &table, 1, LAST_ROUNDS, s->last, &score, &row->noise, error));
        if (score.is_left_out) {
            row->outcome = TUNE_NOT_REACHED;
            *won = 0;
            return CLQ_OK;
        }
        row->mean = score.mean;
        *won = wins(&score, row->noise);
    }
    return CLQ_OK;
}

/*
 * tables[0] beats the value that there was, which was tuned: it must beat that of an untuned device too, or this one
 * takes its place, where that wins against what there was.
 */
static clq_status confirm_untuned(search *s, const clq_tuned_value *base, tune_row *row, int *won, clq_error *error)
{
    const size_t number = row->number;
    const uint32_t operations = s->tunables[number].operations;
    const uint32_t untuned = s->untuned[number].value;
    tune_row beside = *row; /* the row tells of what there was */
    if (base[number].value == untuned || s->tables[0][number].value == untuned) {
        return CLQ_OK;
    }
    make_candidate(s, s->tables[1], base, number, untuned);
    CLQ_TRY(confirm(s, operations, s->tables[1], s->tables[0], &beside, won, error));
    if (!*won && beside.outcome != TUNE_NOT_REACHED) {
        copy_table(s, s->tables[0], s->tables[1]);
        CLQ_TRY(confirm(s, operations, base, s->tables[0], &beside, won, error));
    }
    row->outcome = beside.outcome;
    return CLQ_OK;
}

static clq_status search_one(search *s, clq_tuned_value *found, tune_row *row, clq_error *error)
{
    const clq_tunable *t = &s->tunables[row->number];
    size_t count = list_candidates(s, row->number, found);
    int won = 0;
    double begun;
    CLQ_TRY(halve(s, t->operations, found, &count, row, error));
    /* What is no better when looked at briefly is not looked at again. */
    if (count > 0 && row->mean < 1.0 - least_gain) {
        begun = s->meter->now(s->meter->cookie);
        CLQ_TRY(confirm(s, t->operations, found, s->tables[0], row, &won, error));
        /* All that won are confirmed together in the end, which takes no longer than one by one, and twice as long
         * where one is taken back. */
        s->last -= won ? (s->meter->now(s->meter->cookie) - begun) * 2.0 / CONFIRMATIONS : 0.0;
    }
    if (won) {
        CLQ_TRY(confirm_untuned(s, found, row, &won, error));
    }
    if (won) {
        copy_table(s, found, s->tables[0]);
        row->chosen = found[row->number].value;
        row->outcome = TUNE_WON;
    }
    return CLQ_OK;
}

/* ---- all of them ---- */

static uint32_t operations_of(const search *s, const tune_row *rows, size_t count)
{
    uint32_t operations = 0;
    for (size_t i = 0; i < count; i++) {
        operations |= rows[i].outcome == TUNE_WON ? s->tunables[rows[i].number].operations : 0;
    }
    return operations;
}

static size_t count_won(const tune_row *rows, size_t count)
{
    size_t won = 0;
    for (size_t i = 0; i < count; i++) {
        won += rows[i].outcome == TUNE_WON;
    }
    return won;
}

static void take_back_last(const clq_tuned_value *start, clq_tuned_value *found, tune_row *rows, size_t count)
{
    while (count > 0 && rows[count - 1].outcome != TUNE_WON) {
        count--;
    }
    if (count > 0) {
        rows[count - 1].outcome = TUNE_TAKEN_BACK;
        rows[count - 1].chosen = rows[count - 1].before;
        found[rows[count - 1].number] = start[rows[count - 1].number];
    }
}

/* All that won together against the start, on all that it serves: what gains apart may lose together. */
static clq_status confirm_all(const search *s, double end, const clq_tuned_value *start, clq_tuned_value *found,
                              tune_row *rows, size_t count, clq_error *error)
{
    const tune_meter *m = s->meter;
    for (uint32_t operations = operations_of(s, rows, count); operations != 0;
         operations = operations_of(s, rows, count)) { /* ends: each round takes one back */
        tune_score score = {0};
        double noise = 0.0;
        if (count_won(rows, count) == 1) {
            return CLQ_OK; /* that one was confirmed */
        }
        m->tell(m->cookie, count, count, "all that won");
        CLQ_TRY(m->measure(m->cookie, operations, start, &found, 1, LAST_ROUNDS, end, &score, &noise, error));
        if (!score.is_left_out && is_harmless(&score, noise)) {
            return CLQ_OK;
        }
        take_back_last(start, found, rows, count);
    }
    return CLQ_OK;
}

static int is_of_family(const clq_tunable *t, const char *name)
{
    const size_t length = strcspn(name, ".") + 1;
    return strncmp(t->name, name, length) == 0;
}

static int by_number(const void *a, const void *b)
{
    const tune_row *first = a;
    const tune_row *second = b;
    return (first->number > second->number) - (first->number < second->number);
}

static int by_turn(const void *a, const void *b)
{
    const tune_row *first = a;
    const tune_row *second = b;
    return first->turn != second->turn ? (first->turn > second->turn) - (first->turn < second->turn) : by_number(a, b);
}

/*
 * In the order of the search: the first of each family, then the second of each, and so on. The first ones decide most,
 * and where kernels are still to be compiled, the time may not do for all.
 */
static size_t list_rows(const search *s, const clq_tuned_value *start, tune_row *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < s->tunable_count; i++) {
        if ((s->tunables[i].operations & s->operations) != 0) {
            tune_row *row = &rows[count];
            memset(row, 0, sizeof *row);
            row->number = i;
            row->before = row->chosen = start[i].value;
            row->mean = 1.0;
            row->outcome = TUNE_NOT_REACHED;
            for (size_t k = 0; k < count; k++) {
                row->turn += (size_t)is_of_family(&s->tunables[rows[k].number], s->tunables[i].name);
            }
            count++;
        }
    }
    qsort(rows, count, sizeof *rows, by_turn);
    return count;
}

clq_status tune_search(const tune_meter *meter, uint32_t operations, double budget, const clq_tuned_value *start,
                       const clq_tuned_value *untuned, clq_tuned_value *found, tune_row *rows, size_t *count,
                       clq_error *error)
{
    const double begin = meter->now(meter->cookie);
    search s = {.meter = meter, .operations = operations, .untuned = untuned, .last = begin + budget};
    clq_status status = CLQ_OK;
    clq_tuned_value *tables;
    s.tunable_count = clq_tunables(&s.tunables);
    tables = calloc(TUNE_MAX_TABLES * s.tunable_count, sizeof *tables);
    if (tables == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for tables of tuned values");
    }
    for (size_t i = 0; i < TUNE_MAX_TABLES; i++) {
        s.tables[i] = tables + i * s.tunable_count;
    }
    copy_table(&s, found, start);
    *count = list_rows(&s, start, rows);
    for (size_t i = 0; i < *count; i++) {
        const double now = meter->now(meter->cookie);
        if (now >= s.last) {
            break;
        }
        /* An equal share of what is left, so that those at the end get theirs. */
        s.end = now + (s.last - now) / (double)(*count - i);
        meter->tell(meter->cookie, i, *count, s.tunables[rows[i].number].name);
        rows[i].outcome = TUNE_KEPT;
        CLQ_TRY_TO(search_one(&s, found, &rows[i], error));
    }
    CLQ_TRY_TO(confirm_all(&s, begin + budget, start, found, rows, *count, error));
    qsort(rows, *count, sizeof *rows, by_number);
done:
    free(tables);
    return status;
}
