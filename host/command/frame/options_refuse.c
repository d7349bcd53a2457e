/* SPDX-License-Identifier: Apache-2.0 */
/* Why a long option is not one: it belongs elsewhere, is ambiguous, or is misspelt. And why a value is none. */
#include <ctype.h>
#include <string.h>

#include "command/frame/options.h"
#include "format/near.h"

/* Name the first verb that has the long option `name`; NULL when none has. */
static const char *owner_of(const char *name)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
            if (strcmp(cli_option_table[i].name, name) == 0 && (cli_option_table[i].verbs >> verb & 1) != 0) {
                return cli_verb_table[verb].name;
            }
        }
    }
    return NULL;
}

static const cli_verb_info *verb_of(const char *name)
{
    int verb = 0;
    while (verb < CLI_VERB_COUNT && strcmp(cli_verb_table[verb].name, name) != 0) {
        verb++;
    }
    return verb < CLI_VERB_COUNT ? &cli_verb_table[verb] : NULL;
}

/* Whether a verb's operations are chosen by the option of that name. */
static int chooses_operations(const char *name)
{
    char option[72];
    snprintf(option, sizeof option, " --%.60s ", name);
    for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
        if (cli_verb_table[verb].operations != NULL && strstr(cli_verb_table[verb].operations, option) != NULL) {
            return 1;
        }
    }
    return 0;
}

int cli_refuse_argument(const cli_verb_info *verb, const char *argument)
{
    const char *form = verb->operations;
    const char *place = form != NULL ? strstr(form, "NAME") : NULL;
    return place == NULL ? cli_usage_error("unexpected argument '%s'", argument)
                         : cli_usage_error("unexpected argument '%s'; to choose operations write: %.*s%s%s", argument,
                                           (int)(place - form), form, argument, place + strlen("NAME"));
}

/* The same question has another answer in each verb. */
static int refuse_foreign_option(const char *name, const char *owner, const char *verb_name)
{
    const cli_verb_info *verb = verb_of(verb_name);
    const int leads_on = verb != NULL && verb->operations != NULL && chooses_operations(name);
    return cli_usage_error("option --%s is one of 'clquant %s', not of 'clquant %s'%s%s", name, owner, verb_name,
                           leads_on ? "; to choose operations write: " : "", leads_on ? verb->operations : "");
}

int cli_refuse_long_option(const char *argument, const char *verb_name, uint32_t verbs)
{
    char name[64];
    const char *owner = NULL;
    clq_near near = {.name = name};
    size_t matches = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    owner = owner_of(name);
    if (owner != NULL) {
        return verb_name == NULL
                   ? cli_usage_error("option --%s belongs to a verb: write 'clquant %s --%s'", name, owner, name)
                   : refuse_foreign_option(name, owner, verb_name);
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        if ((cli_option_table[i].verbs & verbs) == verbs) {
            matches += strncmp(cli_option_table[i].name, name, strlen(name)) == 0;
            clq_near_try(&near, cli_option_table[i].name);
        }
    }
    if (matches > 1) {
        return cli_usage_error("option --%s is ambiguous: %zu options begin so", name, matches);
    }
    if (near.best != NULL) {
        return cli_usage_error("unknown option --%s; did you mean --%s?", name, near.best);
    }
    return cli_usage_error("unknown option --%s", name);
}

/* What others call our values. */
static const char *const OTHER_NAMES[][2] = {
    {"int8", "s8"},
    {"i8", "s8"},
    {"uint8", "u8"},
    {"int4", "s4"},
    {"i4", "s4"},
    {"uint4", "u4"},
    {"int16", "s16"},
    {"i16", "s16"},
    {"uint16", "u16"},
    {"int32", "s32"},
    {"i32", "s32"},
    {"float32", "f32"},
    {"fp32", "f32"},
    {"float16", "f16"},
    {"fp16", "f16"},
    {"half", "f16"},
    {"bfloat16", "bf16"},
    {"q8", "q8_0"},
    {"q4", "q4_0"},
    {"per-tensor", "tensor"},
    {"per-group", "group"},
    {"block", "group"},
    {"per-channel", "channel"},
    {"row", "channel"},
};

/* Into `out` what may be meant by a value, whose parameter behind ':' stays; empty: nothing is near. */
static void find_meant(const cli_option *row, const char *text, char out[64])
{
    char names[CLI_NAMES_BYTES];
    char lower[32];
    char word[32];
    const char *next = names;
    const char *meant = lower;
    const size_t length = strcspn(text, ":");
    clq_near near = {.name = lower};
    char nearest[32] = "";
    out[0] = '\0';
    if (length == 0 || length >= sizeof lower) {
        return;
    }
    for (size_t i = 0; i <= length; i++) {
        lower[i] = i < length ? (char)tolower((unsigned char)text[i]) : '\0';
    }
    for (size_t i = 0; i < sizeof OTHER_NAMES / sizeof OTHER_NAMES[0]; i++) {
        meant = strcmp(lower, OTHER_NAMES[i][0]) == 0 ? OTHER_NAMES[i][1] : meant;
    }
    cli_alternatives(row, "|", names);
    while (cli_next_alternative(&next, word, sizeof word)) {
        word[strcspn(word, ":")] = '\0'; /* "percentile:P" */
        if (strcmp(word, meant) == 0) {
            snprintf(out, 64, "%s%.30s", word, text + length);
            return;
        }
        clq_near_try(&near, word);
        if (near.best == word) { /* which the next one overwrites */
            memcpy(nearest, word, sizeof nearest);
            near.best = nearest;
        }
    }
    if (near.best != NULL && near.best_distance <= length / 4) { /* of short names any is near any other */
        snprintf(out, 64, "%s%.30s", nearest, text + length);
    }
}

int cli_refuse_value(const cli_option *row, const char *text)
{
    char names[CLI_NAMES_BYTES];
    char meant[64];
    char hint[96] = "";
    find_meant(row, text, meant);
    if (meant[0] != '\0' && strcmp(meant, text) != 0) {
        snprintf(hint, sizeof hint, "; did you mean %s?", meant);
    }
    if (row->name_of != NULL) {
        cli_alternatives(row, "|", names);
        return cli_usage_error("--%s %s: required is one of %s%s", row->name, text, names, hint);
    }
    return cli_usage_error("--%s %s: required is %s%s", row->name, text[0] != '\0' ? text : "''", row->required, hint);
}
