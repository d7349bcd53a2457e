/* SPDX-License-Identifier: Apache-2.0 */
/* How the value of an option is read, by its kind. Every function returns 0 when the text is not acceptable. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command/frame/options.h"
#include "format/npy.h"

static int choose(const char *alternatives, const char *text, int *choice)
{
    char word[32];
    for (int i = 0; cli_next_alternative(&alternatives, word, sizeof word); i++) {
        if (strcmp(text, word) == 0) {
            *choice = i;
            return 1;
        }
    }
    return 0;
}

static int choose_name(const char *(*name_of)(size_t index), const char *text, int *choice)
{
    const char *name;
    for (size_t i = 0; (name = name_of(i)) != NULL; i++) {
        if (strcmp(text, name) == 0) {
            *choice = (int)i;
            return 1;
        }
    }
    return 0;
}

static int store_choice(int *field, const cli_option *row, const char *text)
{
    int choice = 0;
    if (row->name_of != NULL ? !choose_name(row->name_of, text, &choice) : !choose(row->argument, text, &choice)) {
        return 0;
    }
    *field = row->codes != NULL ? row->codes[choice] : choice;
    return 1;
}

static int store_signed(int32_t *field, const cli_option *row, const char *text)
{
    int64_t value = 0;
    if (!clq_parse_i64(text, row->least, (int64_t)row->most, &value)) {
        return 0;
    }
    *field = (int32_t)value;
    return 1;
}

static int store_size(uint64_t *field, const cli_option *row, const char *text)
{
    return clq_parse_size(text, field) && *field >= (uint64_t)row->least && *field <= row->most;
}

/* There is room for as many items as there are arguments. */
static int append(cli_list *list, const char *text)
{
    list->items[list->count++] = text;
    return *text != '\0';
}

static int store_by_kind(cli_options *options, const cli_option *row, const char *text)
{
    void *field = (char *)options + row->field;
    switch (row->kind) {
    case CLI_OPTION_OTHER:
        return 1;
    case CLI_OPTION_FLAG:
        *(int *)field = 1;
        return 1;
    case CLI_OPTION_TEXT:
        *(const char **)field = text;
        return *text != '\0';
    case CLI_OPTION_LIST:
        return append(field, text);
    case CLI_OPTION_CHOICE:
        return store_choice(field, row, text);
    case CLI_OPTION_SIGNED:
        return store_signed(field, row, text);
    case CLI_OPTION_UNSIGNED:
        return clq_parse_u64(text, (uint64_t)row->least, row->most, field);
    case CLI_OPTION_SIZE:
        return store_size(field, row, text);
    case CLI_OPTION_REAL:
        return clq_parse_double(text, field);
    case CLI_OPTION_RANGE:
        return clq_parse_range(text, field, (double *)field + 1);
    }
    return 0;
}

int cli_store_option(cli_options *options, const cli_option *row, const char *text)
{
    if (row->given != 0) {
        *(int *)(void *)((char *)options + row->given) = 1;
    }
    return store_by_kind(options, row, text) && (row->store == NULL || row->store(options, text));
}

/* --quiet and --verbose are two ends of one scale: the last one given counts. */
int cli_store_quiet(cli_options *options, const char *text)
{
    (void)text;
    options->quiet = 1;
    options->verbose = 0;
    return 1;
}

int cli_store_verbose(cli_options *options, const char *text)
{
    (void)text;
    options->verbose = 1;
    options->quiet = 0;
    return 1;
}

int cli_is_device_list(const char *text)
{
    static const char ALL[] = ":all"; /* behind the name of a kind */
    const size_t length = strlen(text);
    return strchr(text, ',') != NULL || (length >= sizeof ALL && strcmp(text + length - (sizeof ALL - 1), ALL) == 0);
}

int cli_asks_devices(const cli_options *options)
{
    return options->devices.count > 1 || cli_is_device_list(options->device);
}

int cli_store_device(cli_options *options, const char *text)
{
    return append(&options->devices, text);
}

/* "N", or "GLOB=N": the last '=' is ours, since patterns may hold others. The pattern's end is marked in place. */
int cli_store_axis(cli_options *options, const char *text)
{
    char *equals = strrchr(text, '=');
    const char *number = equals != NULL ? equals + 1 : text;
    int64_t axis = 0;
    if (!clq_parse_i64(number, -CLQ_MAX_RANK, CLQ_MAX_RANK - 1, &axis) || equals == text) {
        return 0;
    }
    if (equals == NULL) {
        options->file.axis = (int32_t)axis;
        options->file.has_axis = 1;
        return 1;
    }
    *equals = '\0';
    options->axis_storage[options->file.axis_pattern_count++] =
        (clq_axis_pattern){.pattern = text, .axis = (int32_t)axis};
    return 1;
}

/* One axis for all, and any number of patterns. */
int cli_repeats_axis(const char *text)
{
    return strchr(text, '=') != NULL;
}

/* Blocks of GGUF are types of another kind than those of codes. */
int cli_store_block(cli_options *options, const char *text)
{
    options->file.block = strcmp(text, "q8_0") == 0   ? CLQ_BLOCK_Q8_0
                          : strcmp(text, "q4_0") == 0 ? CLQ_BLOCK_Q4_0
                                                      : CLQ_BLOCK_NONE;
    return 1;
}

/* "I/N" */
int cli_store_part(cli_options *options, const char *text)
{
    enum { MOST = 65536 };
    const char *slash = strchr(text, '/');
    char part[8];
    uint64_t number = 0;
    uint64_t all = 0;
    if (slash == NULL || (size_t)(slash - text) >= sizeof part) {
        return 0;
    }
    memcpy(part, text, (size_t)(slash - text));
    part[slash - text] = '\0';
    if (!clq_parse_u64(slash + 1, 1, MOST, &all) || !clq_parse_u64(part, 1, all, &number)) {
        return 0;
    }
    options->file.part = (uint32_t)number;
    options->file.parts = (uint32_t)all;
    return 1;
}

int cli_store_calibrate(cli_options *options, const char *text)
{
    return cli_store_method(options, text) && options->file.calibration.kind != CLQ_CALIBRATE_AVERAGE &&
           options->file.calibration.kind != CLQ_CALIBRATE_MEAN;
}

int cli_store_method(cli_options *options, const char *text)
{
    return clq_calibration_from_text(text, &options->file.calibration, NULL) == CLQ_OK;
}

int cli_store_histograms(cli_options *options, const char *text)
{
    (void)text;
    options->file.details |= CLQ_FILE_HISTOGRAMS;
    return 1;
}

int cli_store_sample(cli_options *options, const char *text)
{
    int64_t value = 0;
    if (!clq_parse_i64(text, INT32_MIN, INT32_MAX, &value)) {
        return 0;
    }
    options->sample_storage[options->samples.count++] = (int32_t)value;
    return 1;
}

int cli_repeats_sample(const char *text)
{
    (void)text;
    return 1;
}

/*
 * A number, or a file: one that is there, or that is called like one and will be missed by its name. All else is a slip
 * of who meant a number.
 */
static int names_file(const char *text)
{
    return access(text, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG) ||
           clq_is_npy_name(text) || strchr(text, '/') != NULL;
}

int cli_check_number_or_file(cli_options *options, const char *text)
{
    double number = 0.0;
    (void)options;
    return clq_parse_double(text, &number) || names_file(text);
}

int cli_check_whole_or_file(cli_options *options, const char *text)
{
    int64_t number = 0;
    (void)options;
    return clq_parse_i64(text, INT32_MIN, INT32_MAX, &number) || names_file(text);
}

int cli_check_scale_c(cli_options *options, const char *text)
{
    (void)text;
    return options->gemm.scale_c >= (double)CLQ_MINIMUM_SCALE && options->gemm.scale_c <= (double)CLQ_MAXIMUM_SCALE;
}

int cli_keep_clamp(cli_options *options, const char *text)
{
    options->gemm.clamp = text;
    return 1;
}
