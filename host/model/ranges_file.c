/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "model/ranges_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/hash.h"
#include "format/file.h"
#include "format/json.h"
#include "format/other_kind.h"

/* Far more than any model needs; what is allocated follows from what the file holds. */
static const uint64_t MOST_BYTES = UINT64_C(1) << 28;

/* A list of floats that grows. */
typedef struct float_list {
    float *items;
    size_t count, room;
} float_list;

typedef struct entry_reader {
    clq_ranges_entry *entry;
    float_list lo, hi;
    int has_granularity;
} entry_reader;

typedef struct file_reader {
    clq_ranges_file *file;
    size_t room;
    int version_seen, tensors_seen;
} file_reader;

static clq_status no_memory(const clq_json *json, clq_error *error)
{
    return clq_fail(error, CLQ_OUT_OF_MEMORY, "%s: no memory for its ranges", json->what);
}

static clq_status append(const clq_json *json, float_list *list, double value, clq_error *error)
{
    if (!(fabs(value) <= 0x1.fffffep127)) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: %g is no end of a range: a finite f32 is required", json->what,
                        value);
    }
    if (list->count == list->room) {
        const size_t room = list->room * 2 + 4;
        float *larger = realloc(list->items, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(json, error);
        }
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] = (float)value;
    return CLQ_OK;
}

/* A number, or an array of numbers. */
static clq_status read_floats(clq_json *json, float_list *list, clq_error *error)
{
    clq_json_kind kind = CLQ_JSON_NULL;
    double value = 0.0;
    int more = 0;
    if (list->count > 0) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: an end of a tensor's ranges stands twice", json->what);
    }
    CLQ_TRY(clq_json_peek(json, &kind, error));
    if (kind != CLQ_JSON_ARRAY) {
        CLQ_TRY(clq_json_double(json, &value, error));
        return append(json, list, value, error);
    }
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_ARRAY, error));
    for (int first = 1;; first = 0) {
        CLQ_TRY(clq_json_next(json, CLQ_JSON_ARRAY, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        CLQ_TRY(clq_json_double(json, &value, error));
        CLQ_TRY(append(json, list, value, error));
    }
}

static clq_status read_granularity(clq_json *json, entry_reader *reader, clq_error *error)
{
    char *text = NULL;
    size_t length = 0;
    clq_status status = CLQ_OK;
    CLQ_TRY(clq_json_string(json, &text, &length, error));
    reader->has_granularity = 1;
    reader->entry->granularity = strcmp(text, "channel") == 0 ? CLQ_PER_CHANNEL : CLQ_PER_TENSOR;
    if (strcmp(text, "channel") != 0 && strcmp(text, "tensor") != 0) {
        status = clq_fail(error, CLQ_BAD_FILE, "%s: a granularity is neither 'tensor' nor 'channel'", json->what);
    }
    free(text);
    return status;
}

static clq_status read_name(clq_json *json, clq_ranges_entry *entry, clq_error *error)
{
    size_t length = 0;
    if (entry->name != NULL) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor has two names", json->what);
    }
    CLQ_TRY(clq_json_string(json, &entry->name, &length, error));
    if (length == 0 || strlen(entry->name) != length) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor's name is empty or has a NUL character", json->what);
    }
    return CLQ_OK;
}

static clq_status read_axis(clq_json *json, clq_ranges_entry *entry, clq_error *error)
{
    uint64_t axis = 0;
    CLQ_TRY(clq_json_u64(json, &axis, error));
    if (axis >= CLQ_MAX_RANK) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: axis %" PRIu64 " is above %d", json->what, axis, CLQ_MAX_RANK - 1);
    }
    entry->axis = (uint32_t)axis;
    return CLQ_OK;
}

static clq_status read_entry_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    entry_reader *reader = cookie;
    if (clq_json_is(*key, length, "name")) {
        return read_name(json, reader->entry, error);
    }
    if (clq_json_is(*key, length, "granularity")) {
        return read_granularity(json, reader, error);
    }
    if (clq_json_is(*key, length, "axis")) {
        return read_axis(json, reader->entry, error);
    }
    if (clq_json_is(*key, length, "lo") || clq_json_is(*key, length, "hi")) {
        return read_floats(json, (*key)[0] == 'l' ? &reader->lo : &reader->hi, error);
    }
    return clq_json_skip(json, error);
}

static clq_status check_entry(const clq_json *json, const entry_reader *reader, clq_error *error)
{
    const clq_ranges_entry *entry = reader->entry;
    char shown[200];
    if (entry->name == NULL) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: a tensor has no name", json->what);
    }
    clq_printable(shown, sizeof shown, entry->name, strlen(entry->name));
    if (!reader->has_granularity || reader->lo.count != reader->hi.count) {
        return clq_fail(error, CLQ_BAD_FILE,
                        "%s: tensor '%s' needs a granularity, and as many ends 'lo' as 'hi': there are %zu and %zu",
                        json->what, shown, reader->lo.count, reader->hi.count);
    }
    if (entry->granularity == CLQ_PER_TENSOR && reader->lo.count != 1) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s' has %zu ranges, 1 is required per tensor", json->what,
                        shown, reader->lo.count);
    }
    for (size_t i = 0; i < reader->lo.count; i++) {
        if (reader->lo.items[i] > reader->hi.items[i]) {
            return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s': range %zu is [%g, %g], lo may not be above hi",
                            json->what, shown, i, (double)reader->lo.items[i], (double)reader->hi.items[i]);
        }
    }
    return CLQ_OK;
}

static clq_status read_entry(clq_json *json, file_reader *reader, clq_error *error)
{
    clq_ranges_file *file = reader->file;
    entry_reader own;
    clq_status status;
    memset(&own, 0, sizeof own);
    if (file->count == reader->room) {
        const size_t room = reader->room * 2 + 16;
        clq_ranges_entry *larger = realloc(file->entries, room * sizeof *larger);
        if (larger == NULL) {
            return no_memory(json, error);
        }
        file->entries = larger;
        reader->room = room;
    }
    own.entry = &file->entries[file->count++];
    memset(own.entry, 0, sizeof *own.entry);
    status = clq_json_object(json, read_entry_member, &own, error);
    own.entry->lo = own.lo.items;
    own.entry->hi = own.hi.items;
    own.entry->parameters = own.lo.count;
    CLQ_TRY(status);
    return check_entry(json, &own, error);
}

static clq_status read_top_member(void *cookie, clq_json *json, char **key, size_t length, clq_error *error)
{
    file_reader *reader = cookie;
    uint64_t version = 0;
    int more = 0;
    if (clq_json_is(*key, length, CLQ_RANGES_KEY)) {
        CLQ_TRY(clq_json_u64(json, &version, error));
        reader->version_seen = 1;
        return version >= 1 && version <= CLQ_RANGES_VERSION
                   ? CLQ_OK
                   : clq_fail(error, CLQ_BAD_FILE, "%s: its format has version %" PRIu64 ", this program reads 1 to %d",
                              json->what, version, CLQ_RANGES_VERSION);
    }
    if (!clq_json_is(*key, length, "tensors")) {
        return clq_json_skip(json, error);
    }
    if (reader->tensors_seen++) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: 'tensors' stands twice", json->what);
    }
    CLQ_TRY(clq_json_enter(json, CLQ_JSON_ARRAY, error));
    for (int first = 1;; first = 0) {
        CLQ_TRY(clq_json_next(json, CLQ_JSON_ARRAY, first, &more, error));
        if (!more) {
            return CLQ_OK;
        }
        CLQ_TRY(read_entry(json, reader, error));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const clq_ranges_entry *)a)->name, ((const clq_ranges_entry *)b)->name);
}

static clq_status parse(clq_ranges_file *file, const char *text, size_t length, clq_error *error)
{
    file_reader reader = {.file = file};
    char shown[200];
    char what[340];
    clq_json json;
    snprintf(what, sizeof what, "%s (ranges)", file->path);
    clq_json_init(&json, text, length, what);
    CLQ_TRY(clq_json_object(&json, read_top_member, &reader, error));
    CLQ_TRY(clq_json_end(&json, error));
    if (!reader.version_seen || !reader.tensors_seen) {
        return clq_fail(error, CLQ_BAD_FILE, "%s: is JSON without '%s', so no file of 'clquant calibrate'", what,
                        reader.version_seen ? "tensors" : CLQ_RANGES_KEY);
    }
    if (file->count > 0) {
        qsort(file->entries, file->count, sizeof *file->entries, by_name);
    }
    for (size_t i = 1; i < file->count; i++) {
        if (strcmp(file->entries[i - 1].name, file->entries[i].name) == 0) {
            clq_printable(shown, sizeof shown, file->entries[i].name, strlen(file->entries[i].name));
            return clq_fail(error, CLQ_BAD_FILE, "%s: tensor '%s' stands twice", what, shown);
        }
    }
    return CLQ_OK;
}

clq_status clq_ranges_file_read(const char *path, clq_ranges_file **out, clq_error *error)
{
    clq_status status = CLQ_OK;
    clq_ranges_file *file = calloc(1, sizeof *file);
    clq_kind kind;
    char *text = NULL;
    uint64_t bytes = 0;
    int fd = -1;
    *out = file;
    if (file == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a file of ranges"));
    }
    clq_printable(file->path, sizeof file->path, path, strlen(path));
    CLQ_TRY_TO(clq_file_open(path, &fd, &bytes, error));
    if (bytes > MOST_BYTES) {
        CLQ_TRY_TO(clq_fail(error, CLQ_BAD_FILE,
                            "%s: a file of ranges has at most %" PRIu64 " bytes, this one %" PRIu64, file->path,
                            MOST_BYTES, bytes));
    }
    text = malloc((size_t)bytes + 1);
    if (text == NULL) {
        CLQ_TRY_TO(clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a file of %" PRIu64 " bytes", bytes));
    }
    CLQ_TRY_TO(clq_file_read(fd, path, 0, text, bytes, error));
    kind = clq_other_kind((const unsigned char *)text, (size_t)bytes);
    if (kind.name != NULL) {
        CLQ_TRY_TO(
            clq_fail(error, CLQ_BAD_FILE, "%s: is %s, and no file of 'clquant calibrate'", file->path, kind.name));
    }
    file->hash = XXH64(text, (size_t)bytes, 0);
    CLQ_TRY_TO(parse(file, text, (size_t)bytes, error));
done:
    free(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (status != CLQ_OK) {
        clq_ranges_file_destroy(out);
    }
    return status;
}

void clq_ranges_file_destroy(clq_ranges_file **file)
{
    if (*file == NULL) {
        return;
    }
    for (size_t i = 0; i < (*file)->count; i++) {
        free((*file)->entries[i].name);
        free((*file)->entries[i].lo);
        free((*file)->entries[i].hi);
    }
    free((*file)->entries);
    free(*file);
    *file = NULL;
}

const clq_ranges_entry *clq_ranges_file_find(const clq_ranges_file *file, const char *name)
{
    size_t low = 0;
    size_t high = file->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, file->entries[middle].name);
        if (order == 0) {
            return &file->entries[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static void describe_granularity(char *out, size_t capacity, clq_granularity granularity, uint32_t axis)
{
    if (granularity == CLQ_PER_CHANNEL) {
        snprintf(out, capacity, "channel of axis %" PRIu32, axis);
    } else {
        snprintf(out, capacity, "%s", clq_granularity_name(granularity));
    }
}

/* Ranges of activations bear the names of modules, whose weights are MODULE.weight. */
static int has_range_of_inputs(const clq_ranges_file *file, const char *name)
{
    static const char ending[] = ".weight";
    const size_t length = strlen(name);
    char module[512];
    if (length < sizeof ending || length >= sizeof module || strcmp(name + length + 1 - sizeof ending, ending) != 0) {
        return 0;
    }
    snprintf(module, sizeof module, "%.*s", (int)(length + 1 - sizeof ending), name);
    return clq_ranges_file_find(file, module) != NULL;
}

clq_status clq_ranges_file_match(const clq_ranges_file *file, const char *name, const clq_layout *layout,
                                 const clq_ranges_entry **entry, clq_error *error)
{
    const clq_ranges_entry *found = clq_ranges_file_find(file, name);
    uint64_t elements = 0;
    uint64_t parameters = 0;
    char shown[200];
    char theirs[40];
    char ours[40];
    clq_printable(shown, sizeof shown, name, strlen(name));
    CLQ_REQUIRE(found != NULL, "tensor '%s': %s has no range for it%s", shown, file->path,
                has_range_of_inputs(file, name)
                    ? ", but one for the inputs of its module: --activations static is for those"
                    : "; --include and --exclude select what is quantized");
    CLQ_TRY(clq_layout_count(layout, &elements, &parameters, error));
    describe_granularity(theirs, sizeof theirs, found->granularity, found->axis);
    describe_granularity(ours, sizeof ours, layout->granularity, layout->axis);
    CLQ_REQUIRE(strcmp(theirs, ours) == 0,
                "tensor '%s': %s has ranges per %s, and it is to be quantized per %s: --granularity and --axis must be "
                "those of 'calibrate'",
                shown, file->path, theirs, ours);
    CLQ_REQUIRE(found->parameters == parameters,
                "tensor '%s': %s has %" PRIu64 " ranges for it, and it has %" PRIu64 " channels", shown, file->path,
                found->parameters, parameters);
    *entry = found;
    return CLQ_OK;
}
