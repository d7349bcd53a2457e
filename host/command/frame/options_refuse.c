/* SPDX-License-Identifier: Apache-2.0 */
/* Why a long option is not one: it belongs elsewhere, is ambiguous, or is misspelt. */
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
