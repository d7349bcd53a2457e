/* SPDX-License-Identifier: Apache-2.0 */
/* clquant multiplier: F as F0 / 2^n (docs/numerics.md, section 7) and as a 31-bit multiplier and shift. */
#include "command/frame/cli.h"
#include "command/verbs/accumulators.h"

enum { MAX_ROWS = 31 };

typedef struct search {
    double real;
    const int32_t *samples;
    size_t sample_count;
    clq_multiplier_candidate rows[MAX_ROWS];
    uint32_t row_count;
    uint32_t best;
    clq_multiplier q31;
} search;

static clq_status print_table(const cli_options *options, const search *found, clq_error *error)
{
    static const char *const titles_one[] = {"n", "F0", "error", ""};
    static const char *const titles_many[] = {"n", "F0", "mean error", "max error", ""};
    const int many = found->sample_count > 1;
    cli_table *table = many ? cli_table_create(5, titles_many, ">>>><") : cli_table_create(4, titles_one, ">>><");
    clq_status status;
    char text[40];
    for (uint32_t i = 0; i < found->row_count; i++) {
        const clq_multiplier_candidate *row = &found->rows[i];
        cli_table_cell(table, "%u", (unsigned)row->shift);
        cli_table_cell(table, "%lld", (long long)row->factor);
        clq_format_double(text, sizeof text, row->mean_error, 0);
        cli_table_cell(table, "%s", text);
        if (many) {
            clq_format_double(text, sizeof text, row->maximum_error, 0);
            cli_table_cell(table, "%s", text);
        }
        cli_table_cell(table, "%s", i == found->best ? "* best" : (row->fits ? "" : "too many bits"));
    }
    clq_format_double(text, sizeof text, found->real, 0);
    if (options->samples.count == 0) {
        cli_line(stdout, "F = %s, over %zu accumulators: 1, 3, 5 and 7 times 2^k with both signs, below 2^%d", text,
                 found->sample_count, (int)CLI_ACCUMULATOR_BITS);
    } else {
        cli_line(stdout, "F = %s, over %zu accumulator%s", text, found->sample_count, many ? "s" : "");
    }
    cli_line(stdout, "%s", "");
    status = cli_table_print(table, stdout, error);
    cli_table_destroy(&table);
    CLQ_TRY(status);
    cli_line(stdout, "%s", "");
    cli_line(stdout, "F ~ %lld / 2^%u", (long long)found->rows[found->best].factor,
             (unsigned)found->rows[found->best].shift);
    cli_line(stdout, "Q31 = %d, shift = %d: F ~ %d * 2^(%d - 31)", (int)found->q31.q31, (int)found->q31.shift,
             (int)found->q31.q31, (int)found->q31.shift);
    return CLQ_OK;
}

static void json_row(clq_json_writer *json, const clq_multiplier_candidate *row)
{
    clq_json_writer_open(json, '{');
    clq_json_writer_key(json, "shift");
    clq_json_writer_u64(json, row->shift);
    clq_json_writer_key(json, "factor");
    clq_json_writer_i64(json, row->factor);
    clq_json_writer_key(json, "error");
    clq_json_writer_number(json, row->mean_error);
    clq_json_writer_key(json, "maximum_error");
    clq_json_writer_number(json, row->maximum_error);
    clq_json_writer_key(json, "fits");
    clq_json_writer_bool(json, row->fits);
    clq_json_writer_close(json, '}');
}

static void print_json(const search *found)
{
    clq_json_writer json;
    cli_json_begin(&json);
    clq_json_writer_key(&json, "factor");
    clq_json_writer_number(&json, found->real);
    clq_json_writer_key(&json, "samples");
    clq_json_writer_u64(&json, found->sample_count);
    clq_json_writer_key(&json, "best");
    json_row(&json, &found->rows[found->best]);
    clq_json_writer_key(&json, "rows");
    clq_json_writer_open(&json, '[');
    for (uint32_t i = 0; i < found->row_count; i++) {
        json_row(&json, &found->rows[i]);
    }
    clq_json_writer_close(&json, ']');
    clq_json_writer_key(&json, "q31");
    clq_json_writer_open(&json, '{');
    clq_json_writer_key(&json, "multiplier");
    clq_json_writer_i64(&json, found->q31.q31);
    clq_json_writer_key(&json, "shift");
    clq_json_writer_i64(&json, found->q31.shift);
    clq_json_writer_close(&json, '}');
    cli_json_end(&json);
}

int cli_multiplier(const cli_options *options)
{
    int32_t samples[CLI_ACCUMULATORS];
    search found = {.samples = options->samples.items, .sample_count = options->samples.count};
    clq_error error;
    const char *text = options->positional.items[0];
    if (!clq_parse_double(text, &found.real)) {
        return cli_usage_error("factor %s: required is a finite number", text);
    }
    if (found.sample_count == 0) {
        cli_accumulators(samples);
        found.sample_count = CLI_ACCUMULATORS;
        found.samples = samples;
    }
    found.row_count = (uint32_t)options->max_shift + 1;
    if (clq_multiplier_from_real(found.real, &found.q31, &error) != CLQ_OK ||
        clq_multiplier_search(found.real, found.samples, found.sample_count, (uint32_t)options->max_shift,
                              (uint32_t)options->max_bits, found.rows, &found.best, &error) != CLQ_OK) {
        return cli_report(&error);
    }
    if (options->json) {
        print_json(&found);
        return CLI_OK;
    }
    return print_table(options, &found, &error) == CLQ_OK ? CLI_OK : cli_report(&error);
}
