/* SPDX-License-Identifier: Apache-2.0 */
/* The alternatives that the value of an option has, and lists of them. */
#include <stdio.h>
#include <string.h>

#include "command/frame/options.h"

int cli_next_alternative(const char **next, char *out, size_t capacity)
{
    const size_t length = strcspn(*next, "|");
    if (length == 0 || length >= capacity) {
        return 0;
    }
    memcpy(out, *next, length);
    out[length] = '\0';
    *next += length;
    *next += **next == '|';
    return 1;
}

static void add_name(const char *name, const char *between, char out[CLI_NAMES_BYTES])
{
    const size_t used = strlen(out);
    snprintf(out + used, CLI_NAMES_BYTES - used, "%s%s", used > 0 ? between : "", name);
}

void cli_join_names(const char *(*name_of)(size_t index), const char *between, char out[CLI_NAMES_BYTES])
{
    const char *name;
    out[0] = '\0';
    for (size_t i = 0; (name = name_of(i)) != NULL; i++) {
        add_name(name, between, out);
    }
}

void cli_alternatives(const cli_option *row, const char *between, char out[CLI_NAMES_BYTES])
{
    const char *next = row->values;
    char word[32];
    out[0] = '\0';
    if (row->name_of != NULL) {
        cli_join_names(row->name_of, between, out);
        return;
    }
    if (next == NULL && row->argument != NULL && row->argument[0] >= 'a' && row->argument[0] <= 'z') {
        next = row->argument;
    }
    while (next != NULL && cli_next_alternative(&next, word, sizeof word)) {
        add_name(word, between, out);
    }
}
