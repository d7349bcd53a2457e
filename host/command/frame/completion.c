/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for bash, zsh and fish, made from the option table. */
#include <string.h>

#include "command/frame/options.h"

static int takes_file(const cli_option *row)
{
    return row->argument != NULL && strstr(row->argument, "FILE") != NULL;
}

static int is_shown(const cli_option *row, int verb)
{
    return (row->verbs >> verb & 1) != 0;
}

/* The words a verb's arguments are chosen from; empty when they are files or numbers. */
static void argument_words(int verb, char out[CLI_NAMES_BYTES])
{
    out[0] = '\0';
    if (cli_verb_table[verb].name_of != NULL) {
        cli_join_names(cli_verb_table[verb].name_of, " ", out);
    }
}

static int takes_model_file(int verb)
{
    return cli_verb_table[verb].maximum > 0 && cli_verb_table[verb].name_of == NULL && verb != CLI_VERB_MULTIPLIER;
}

static void put_verb_names(FILE *out)
{
    for (int i = 0; i < CLI_VERB_COUNT; i++) {
        fprintf(out, "%s ", cli_verb_table[i].name);
    }
    fputs("help man completion", out);
}

/* Text for the inside of single quotes; `special` characters get a backslash. A single quote itself is left out. */
static void put_text(FILE *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            continue;
        }
        if (strchr(special, *text) != NULL) {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
}

/* The verb's options as one list, and the values of each option that takes one. */
static void put_bash_verb(FILE *out, int verb)
{
    char words[CLI_NAMES_BYTES];
    argument_words(verb, words);
    fprintf(out, "    %s)\n        values='%s'\n        options='", cli_verb_table[verb].name, words);
    for (size_t i = 0; i < cli_option_count; i++) {
        if (is_shown(&cli_option_table[i], verb)) {
            fprintf(out, "--%s ", cli_option_table[i].name);
        }
    }
    fputs("'\n        case $prev in\n", out);
    for (size_t i = 0; i < cli_option_count; i++) {
        const cli_option *row = &cli_option_table[i];
        if (is_shown(row, verb) && row->argument != NULL) {
            cli_alternatives(row, " ", words);
            fprintf(out, "        --%s", row->name);
            if (row->letter != '\0') {
                fprintf(out, " | -%c", row->letter);
            }
            fprintf(out, ") values='%s' options='' ;;\n", words);
        }
    }
    fputs("        esac\n        ;;\n", out);
}

static void put_bash(FILE *out)
{
    fputs("# bash completion for clquant\n"
          "_clquant()\n"
          "{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local verb='' word options='' values=''\n"
          "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "        case $word in\n"
          "        -*) ;;\n"
          "        *) verb=$word; break ;;\n"
          "        esac\n"
          "    done\n"
          "    case $verb in\n"
          "    '' | help) values='",
          out);
    put_verb_names(out);
    fputs("' ;;\n    completion) values='bash zsh fish' ;;\n", out);
    for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
        put_bash_verb(out, verb);
    }
    fputs("    esac\n"
          "    if [[ $cur == -* && -n $options ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
          "    elif [[ -n $values ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$values\" -- \"$cur\"))\n"
          "    else\n"
          "        COMPREPLY=()\n"
          "    fi\n"
          "}\n"
          "complete -o default -F _clquant clquant\n",
          out);
}

/* '*--name[help]:argument:(values)', as _arguments takes it; the star allows an option more than once. */
static void put_zsh_option(FILE *out, const cli_option *row)
{
    static const char special[] = "[]:\\";
    char words[CLI_NAMES_BYTES];
    cli_alternatives(row, " ", words);
    fputs(" \\\n            ", out);
    if (row->letter != '\0') {
        fprintf(out, "'*'{-%c,--%s}'[", row->letter, row->name);
    } else {
        fprintf(out, "'*--%s[", row->name);
    }
    put_text(out, row->help, special);
    fputc(']', out);
    if (row->argument != NULL) {
        fputc(':', out);
        put_text(out, row->argument, special);
        if (words[0] != '\0') {
            fprintf(out, ":(%s)", words);
        } else {
            fputs(takes_file(row) ? ":_files" : ": ", out);
        }
    }
    fputc('\'', out);
}

static void put_zsh_verb(FILE *out, int verb)
{
    char words[CLI_NAMES_BYTES];
    argument_words(verb, words);
    fprintf(out, "    %s)\n        _arguments -s", cli_verb_table[verb].name);
    for (size_t i = 0; i < cli_option_count; i++) {
        if (is_shown(&cli_option_table[i], verb)) {
            put_zsh_option(out, &cli_option_table[i]);
        }
    }
    if (words[0] != '\0') {
        const cli_verb_info *info = &cli_verb_table[verb];
        fprintf(out, " \\\n            '%s:%s:(%s)'", info->maximum == 1 ? "1" : "*", info->name_kind, words);
    } else if (takes_model_file(verb)) {
        fputs(" \\\n            '*:file:_files'", out);
    }
    fputs("\n        ;;\n", out);
}

static void put_zsh(FILE *out)
{
    fputs("#compdef clquant\n"
          "_clquant()\n"
          "{\n"
          "    local -a verbs=(\n",
          out);
    for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
        fprintf(out, "        '%s:", cli_verb_table[verb].name);
        put_text(out, cli_verb_table[verb].summary, "");
        fputs("'\n", out);
    }
    fputs("        'help:print help'\n"
          "        'man:print the manual page'\n"
          "        'completion:print a completion script'\n"
          "    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe verb verbs\n"
          "        return\n"
          "    fi\n"
          "    shift words\n"
          "    (( CURRENT-- ))\n"
          "    case $words[1] in\n"
          "    help) _describe verb verbs ;;\n"
          "    completion) _values shell bash zsh fish ;;\n",
          out);
    for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
        put_zsh_verb(out, verb);
    }
    fputs("    esac\n"
          "}\n"
          "_clquant \"$@\"\n",
          out);
}

static void put_fish_option(FILE *out, const cli_option *row, const char *verb_name)
{
    char words[CLI_NAMES_BYTES];
    cli_alternatives(row, " ", words);
    fprintf(out, "complete -c clquant -n '__fish_seen_subcommand_from %s' -l %s", verb_name, row->name);
    if (row->letter != '\0') {
        fprintf(out, " -s %c", row->letter);
    }
    if (words[0] != '\0') {
        fprintf(out, " -x -a '%s'", words);
    } else if (row->argument != NULL) {
        fputs(takes_file(row) ? " -r -F" : " -x", out);
    }
    fputs(" -d '", out);
    put_text(out, row->help, "\\");
    fputs("'\n", out);
}

static void put_fish(FILE *out)
{
    fputs("# fish completion for clquant\n", out);
    for (int verb = 0; verb < CLI_VERB_COUNT; verb++) {
        const cli_verb_info *info = &cli_verb_table[verb];
        fprintf(out, "complete -c clquant -n __fish_use_subcommand -f -a %s -d '", info->name);
        put_text(out, info->summary, "\\");
        fputs("'\n", out);
        if (!takes_model_file(verb)) {
            char words[CLI_NAMES_BYTES];
            argument_words(verb, words);
            fprintf(out, "complete -c clquant -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", info->name, words);
        }
        for (size_t i = 0; i < cli_option_count; i++) {
            if (is_shown(&cli_option_table[i], verb)) {
                put_fish_option(out, &cli_option_table[i], info->name);
            }
        }
    }
    fputs("complete -c clquant -n __fish_use_subcommand -f -a 'help man completion'\n"
          "complete -c clquant -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n"
          "complete -c clquant -n '__fish_seen_subcommand_from help' -f -a '",
          out);
    put_verb_names(out);
    fputs("'\n", out);
}

int cli_print_completion(FILE *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        put_bash(out);
    } else if (strcmp(shell, "zsh") == 0) {
        put_zsh(out);
    } else if (strcmp(shell, "fish") == 0) {
        put_fish(out);
    } else {
        return 0;
    }
    return 1;
}
