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
                   : cli_usage_error("option --%s is one of 'clquant %s', not of 'clquant %s'", name, owner, verb_name);
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
