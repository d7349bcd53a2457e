/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a verb by its name, and the verbs that only print something about the command itself. */
#include <string.h>

#include "command/frame/options.h"
#include "format/near.h"

int cli_is_printing_verb(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "man") == 0 || strcmp(word, "completion") == 0;
}

int cli_find_verb(const char *word, cli_verb *verb)
{
    clq_near near = {.name = word};
    for (int i = 0; i < CLI_VERB_COUNT; i++) {
        if (strcmp(word, cli_verb_table[i].name) == 0) {
            *verb = (cli_verb)i;
            return CLI_OK;
        }
        clq_near_try(&near, cli_verb_table[i].name);
    }
    if (near.best != NULL) {
        return cli_usage_error("unknown verb '%s'; did you mean '%s'?", word, near.best);
    }
    return cli_usage_error("unknown verb '%s'", word);
}

int cli_run_printing_verb(const char *word, int count, char **arguments)
{
    cli_verb verb = CLI_VERB_DEVICES;
    const char *first = count > 0 ? arguments[0] : NULL;
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            cli_print_help(stdout);
            return CLI_OK;
        }
    }
    if (count > 1 || (strcmp(word, "man") == 0 && count > 0)) {
        return cli_usage_error("unexpected argument '%s'", arguments[count - 1]);
    }
    if (strcmp(word, "man") == 0) {
        cli_print_man_page(stdout);
    } else if (strcmp(word, "completion") == 0) {
        if (first == NULL || !cli_print_completion(stdout, first)) {
            return cli_usage_error("completion %s: required is bash, zsh or fish", first != NULL ? first : "");
        }
    } else if (first == NULL || cli_is_printing_verb(first)) {
        cli_print_help(stdout);
    } else {
        const int code = cli_find_verb(first, &verb);
        if (code != CLI_OK) {
            return code;
        }
        cli_print_verb_help(stdout, verb);
    }
    return CLI_OK;
}
