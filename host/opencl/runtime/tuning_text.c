/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/tuning_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "opencl/runtime/context.h"

static const char first_line[] = "clquant tuning 1";
static const char checksum_key[] = "checksum ";

enum { LINE_BYTES = 300, HEADING_BYTES = 1200, CHECKSUM_DIGITS = 16 };

/* ---- writing ---- */

/* Of the names and values that there are: a stored table is for exactly these. */
static uint64_t hash_of_tunables(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        const clq_tunable *t = clq_cl_tunable((clq_tunable_number)i);
        hash = XXH3_64bits_withSeed(t->name, strlen(t->name), hash);
        hash = XXH3_64bits_withSeed(t->values, t->value_count * sizeof *t->values, hash);
    }
    return hash;
}

static size_t print_heading(const clq_context *context, char text[HEADING_BYTES])
{
    return (size_t)snprintf(text, HEADING_BYTES, "%s\nlibrary %s\n%stunables %016" PRIx64 "\n", first_line,
                            CLQ_VERSION_STRING, context->cl->cache.identity, hash_of_tunables());
}

enum { TEXT_BYTES = CLQ_TUNING_TEXT_BYTES(CLQ_TUNE_COUNT) };

/* The longest text has room: a heading, a checksum, and for each value its name, a blank, ten digits and the end. */
_Static_assert(HEADING_BYTES + sizeof checksum_key + CHECKSUM_DIGITS + 1 <= CLQ_TUNING_TEXT_BYTES(0), "a heading fits");
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    _Static_assert(sizeof(name) + 11 <= CLQ_TUNING_TEXT_BYTES(1) - CLQ_TUNING_TEXT_BYTES(0), name " is too long");
#include "tunables.def"

clq_status clq_cl_tuning_print(const clq_context *context, const clq_tuned_value *table, char *text, clq_error *error)
{
    size_t used = print_heading(context, text);
    CLQ_TRY(clq_cl_tuning_check(table, error));
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        if (table[i].is_tuned) {
            used += (size_t)snprintf(text + used, TEXT_BYTES - used, "%s %" PRIu32 "\n",
                                     clq_cl_tunable((clq_tunable_number)i)->name, table[i].value);
        }
    }
    snprintf(text + used, TEXT_BYTES - used, "%s%016" PRIx64 "\n", checksum_key, (uint64_t)XXH3_64bits(text, used));
    return CLQ_OK;
}

/* ---- reading ---- */

/* Where a text is read. */
typedef struct reader {
    const char *text;
    size_t bytes, at;
    unsigned number;       /* of the line */
    char line[LINE_BYTES]; /* without its end */
} reader;

static clq_status bad_line(const reader *r, clq_error *error, const char *what)
{
    return clq_fail(error, CLQ_BAD_FILE, "line %u: %s", r->number, what);
}

static clq_status next_line(reader *r, clq_error *error)
{
    const char *end = memchr(r->text + r->at, '\n', r->bytes - r->at);
    const size_t length = end != NULL ? (size_t)(end - r->text) - r->at : 0;
    r->number++;
    if (end == NULL) {
        return bad_line(r, error, "the table ends without its checksum");
    }
    if (length >= LINE_BYTES || memchr(r->text + r->at, '\0', length) != NULL) {
        return bad_line(r, error, "too long, or with a zero byte: this is no table of tuned values");
    }
    memcpy(r->line, r->text + r->at, length);
    r->line[length] = '\0';
    r->at += length + 1;
    return CLQ_OK;
}

/* The rest of a line that begins with `key` and a blank, or NULL. */
static const char *value_of(const reader *r, const char *key)
{
    const size_t length = strlen(key);
    return strncmp(r->line, key, length) == 0 && r->line[length] == ' ' ? r->line + length + 1 : NULL;
}

/* Whether the value of a line of the heading, if it is the one with this key, is that of this device. */
static clq_status check_fact(const reader *r, const char *key, const char *here, int *found, clq_error *error)
{
    const char *value = value_of(r, key);
    char shown[LINE_BYTES];
    if (value == NULL) {
        return CLQ_OK;
    }
    if (strcmp(value, here) != 0) {
        clq_printable(shown, sizeof shown, value, strlen(value));
        return clq_fail(error, CLQ_UNSUPPORTED, "line %u: the table is for %s %s, this is %s", r->number, key, shown,
                        here);
    }
    *found = 1;
    return CLQ_OK;
}

/* Platform and device must be these; what else the heading tells is for people. Its last line is that of tunables. */
static clq_status read_heading(const clq_context *context, reader *r, clq_error *error)
{
    int has_platform = 0;
    int has_device = 0;
    CLQ_TRY(next_line(r, error));
    if (strcmp(r->line, first_line) != 0) {
        return bad_line(r, error, "this is no table of tuned values, which begins with 'clquant tuning 1'");
    }
    do {
        CLQ_TRY(next_line(r, error));
        if (value_of(r, "platform version") == NULL) {
            CLQ_TRY(check_fact(r, "platform", context->device.platform_name, &has_platform, error));
        }
        CLQ_TRY(check_fact(r, "device", context->device.name, &has_device, error));
    } while (value_of(r, "tunables") == NULL);
    return has_platform && has_device ? CLQ_OK : bad_line(r, error, "the heading names no platform, or no device");
}

static clq_status read_value(reader *r, clq_tuned_value *table, clq_error *error)
{
    char shown[64];
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        const clq_tunable *t = clq_cl_tunable((clq_tunable_number)i);
        const char *text = value_of(r, t->name);
        if (text == NULL) {
            continue;
        }
        if (table[i].is_tuned) {
            return clq_fail(error, CLQ_BAD_FILE, "line %u: %s stands there twice", r->number, t->name);
        }
        for (size_t k = 0; k < t->value_count; k++) {
            char digits[16];
            snprintf(digits, sizeof digits, "%" PRIu32, t->values[k]);
            if (strcmp(text, digits) == 0) {
                table[i] = (clq_tuned_value){t->values[k], 1};
                return CLQ_OK;
            }
        }
        clq_printable(shown, sizeof shown, text, strlen(text));
        return clq_fail(error, CLQ_BAD_FILE, "line %u: %s cannot be '%s'", r->number, t->name, shown);
    }
    clq_printable(shown, sizeof shown, r->line, strlen(r->line));
    return clq_fail(error, CLQ_BAD_FILE, "line %u: nothing that can be tuned is called so: '%s'", r->number, shown);
}

/* A table that was written by hand has none. */
static int is_checksum(const char *digits, uint64_t hash)
{
    char expected[CHECKSUM_DIGITS + 1];
    snprintf(expected, sizeof expected, "%016" PRIx64, hash);
    return strcmp(digits, expected) == 0 || strcmp(digits, "none") == 0;
}

clq_status clq_cl_tuning_parse(const clq_context *context, const char *text, size_t bytes, clq_tuned_value *table,
                               clq_error *error)
{
    const clq_cl_tuning *untuned = clq_cl_tuning_untuned(context);
    clq_tuned_value found[CLQ_TUNE_COUNT];
    reader r = {.text = text, .bytes = bytes};
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        found[i] = (clq_tuned_value){untuned->values[i], 0};
    }
    CLQ_TRY(read_heading(context, &r, error));
    for (;;) { /* ends: each round reads a line */
        const size_t begin = r.at;
        CLQ_TRY(next_line(&r, error));
        if (strncmp(r.line, checksum_key, sizeof checksum_key - 1) == 0) {
            if (!is_checksum(r.line + sizeof checksum_key - 1, XXH3_64bits(text, begin)) || r.at != bytes) {
                return bad_line(&r, error, "the checksum does not fit: the table was cut or changed");
            }
            break;
        }
        CLQ_TRY(read_value(&r, found, error));
    }
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        found[i].is_tuned |= untuned->is_tuned[i]; /* what ships stays tuned */
    }
    memcpy(table, found, sizeof found);
    return CLQ_OK;
}

/* ---- beside the program cache ---- */

/* HASH.tuning, of all that another table would have to be made for. */
void clq_cl_tuning_file(const clq_context *context, char name[CLQ_CL_TUNING_FILE])
{
    char heading[HEADING_BYTES];
    const size_t bytes = print_heading(context, heading);
    const XXH128_hash_t hash = XXH3_128bits(heading, bytes);
    snprintf(name, CLQ_CL_TUNING_FILE, "%016" PRIx64 "%016" PRIx64 ".tuning", (uint64_t)hash.high64,
             (uint64_t)hash.low64);
}

clq_status clq_cl_tuning_store(clq_context *context, const clq_tuned_value *table, char *path, size_t capacity,
                               clq_error *error)
{
    char text[TEXT_BYTES];
    char name[CLQ_CL_TUNING_FILE];
    clq_cl_tuning_file(context, name);
    CLQ_TRY(clq_cl_tuning_print(context, table, text, error));
    CLQ_TRY(clq_cl_cache_write(context, name, text, strlen(text), path, capacity, error));
    return clq_cl_tuning_set(context, table, error);
}

clq_status clq_cl_tuning_load(clq_context *context, clq_error *error)
{
    size_t bytes = 0;
    char name[CLQ_CL_TUNING_FILE];
    char *text;
    clq_tuned_value table[CLQ_TUNE_COUNT];
    clq_error reason;
    clq_cl_tuning_copy(clq_cl_tuning_untuned(context), table); /* which stays where there is no other */
    clq_cl_tuning_file(context, name);
    text = clq_cl_cache_read(context, name, &bytes);
    if (text != NULL) {
        if (clq_cl_tuning_parse(context, text, bytes, table, &reason) != CLQ_OK) {
            clq_context_log(context, CLQ_LOG_WARNING, "tuned values: %s is not used: %s", name, reason.message);
        }
        free(text);
    }
    return clq_cl_tuning_set(context, table, error);
}
