/* SPDX-License-Identifier: Apache-2.0 */
#include "command/verbs/verify.h"

#include <string.h>

size_t cli_verify_sums(const clq_verify_report *report, cli_verify_sum sums[CLI_VERIFY_OPERATIONS])
{
    size_t count = 0;
    memset(sums, 0, CLI_VERIFY_OPERATIONS * sizeof *sums);
    for (size_t i = 0; i < report->case_count; i++) {
        const clq_verify_case *c = &report->cases[i];
        size_t k = 0;
        while (k < count && strcmp(sums[k].operation, c->operation) != 0) {
            k++;
        }
        if (k == count && count < CLI_VERIFY_OPERATIONS) {
            sums[count++].operation = c->operation;
        }
        if (k < CLI_VERIFY_OPERATIONS) {
            sums[k].counts[c->verdict]++;
            sums[k].left_out += c->is_left_out != 0;
            sums[k].seconds += c->seconds;
        }
    }
    return count;
}

size_t cli_verify_cases(const cli_verify_sum *sum)
{
    return sum->counts[0] + sum->counts[1] + sum->counts[2] + sum->counts[3];
}

const char *cli_verify_verdict(const cli_verify_sum *sum)
{
    return sum->counts[CLQ_VERIFY_DIFFERS] > 0  ? "differs"
           : sum->counts[CLQ_VERIFY_FAILED] > 0 ? "failed"
           : sum->left_out > 0                  ? "incomplete"
           : sum->counts[CLQ_VERIFY_OK] > 0     ? "ok"
                                                : "skipped";
}

int cli_verify_is_failure(const clq_verify_case *c)
{
    return c->verdict == CLQ_VERIFY_DIFFERS || c->verdict == CLQ_VERIFY_FAILED;
}

const char *cli_verify_extent_name(clq_verify_extent extent)
{
    return extent == CLQ_VERIFY_QUICK ? "quick" : extent == CLQ_VERIFY_FULL ? "full" : "standard";
}

void cli_verify_escape(clq_text *text, const char *string)
{
    for (; *string != '\0'; string++) {
        switch (*string) {
        case '&':
            clq_text_put(text, "&amp;");
            break;
        case '<':
            clq_text_put(text, "&lt;");
            break;
        case '>':
            clq_text_put(text, "&gt;");
            break;
        case '"':
            clq_text_put(text, "&quot;");
            break;
        default:
            clq_text_add(text, (unsigned char)*string < 0x20 ? "?" : string, 1);
        }
    }
}

void cli_verify_escape_lines(clq_text *text, const char *string)
{
    while (*string != '\0') {
        const size_t length = strcspn(string, "\n");
        char line[1024];
        clq_printable(line, sizeof line, string, length);
        cli_verify_escape(text, line);
        clq_text_put(text, "\n");
        string += length + (string[length] == '\n');
    }
}
