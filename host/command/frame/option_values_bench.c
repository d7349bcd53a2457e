/* SPDX-License-Identifier: Apache-2.0 */
/* How the options of bench store their values. Every function returns 0 when the text is not acceptable. */
#include "command/frame/options.h"

enum { MAXIMUM_ROUNDS = 200 };

int cli_set_shapes(cli_options *options, const char *text)
{
    return cli_store_text(&options->bench.shapes, text);
}

int cli_set_rounds(cli_options *options, const char *text)
{
    uint64_t value = 0;
    if (!clq_parse_u64(text, 1, MAXIMUM_ROUNDS, &value)) {
        return 0;
    }
    options->bench.rounds = (int)value;
    return 1;
}

int cli_set_quick(cli_options *options, const char *text)
{
    (void)text;
    options->bench.quick = 1;
    return 1;
}

int cli_set_sweep(cli_options *options, const char *text)
{
    (void)text;
    options->bench.sweep = 1;
    return 1;
}

int cli_set_bench_variant(cli_options *options, const char *text)
{
    cli_list *list = &options->bench.variants;
    list->items[list->count++] = text;
    return *text != '\0';
}
