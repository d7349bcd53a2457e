/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of compiled programs: what it keeps is used again, and whatever is wrong with an entry is a silent miss. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "scratch.h"

enum { ELEMENTS = 100 };

typedef struct log_counts {
    int built, taken, compared, warnings;
} log_counts;

static void count_messages(void *cookie, clq_log_level level, const char *message)
{
    log_counts *counts = cookie;
    counts->built += strncmp(message, "built ", 6) == 0;
    counts->taken += strncmp(message, "program cache: took", 19) == 0;
    counts->compared += strncmp(message, "comparing ", 10) == 0;
    counts->warnings += level == CLQ_LOG_WARNING;
}

/* Quantize a little tensor in a fresh context that uses `directory`; the codes must be right whatever is cached. */
static log_counts quantize_once(const char *directory)
{
    clq_context *context = NULL;
    clq_buffer *buffers[4] = {NULL, NULL, NULL, NULL};
    const uint64_t bytes[4] = {4 * ELEMENTS, 4, 4, ELEMENTS};
    const char *spec = getenv("CLQ_TEST_DEVICE");
    const float scale = 0.5f;
    const int32_t zero_point = 0;
    log_counts counts = {0, 0, 0, 0};
    clq_quantization q;
    clq_error error;
    float x[ELEMENTS];
    int8_t codes[ELEMENTS];
    check_ok(clq_context_create(spec != NULL ? spec : "auto", &context, &error), &error, "clq_context_create");
    clq_context_set_log(context, count_messages, &counts);
    check_ok(clq_context_set_cache(context, directory, &error), &error, "clq_context_set_cache");
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = ELEMENTS;
    for (int i = 0; i < ELEMENTS; i++) {
        x[i] = (float)(i - 50) * 0.5f;
    }
    for (int i = 0; i < 4; i++) {
        check_ok(clq_buffer_create(context, bytes[i], &buffers[i], &error), &error, "clq_buffer_create");
    }
    check_ok(clq_buffer_write(buffers[0], 0, x, sizeof x, &error), &error, "clq_buffer_write");
    check_ok(clq_buffer_write(buffers[1], 0, &scale, sizeof scale, &error), &error, "clq_buffer_write");
    check_ok(clq_buffer_write(buffers[2], 0, &zero_point, sizeof zero_point, &error), &error, "clq_buffer_write");
    check_ok(clq_quantize(context, &q, (clq_operand){buffers[0], 0}, (clq_operand){buffers[1], 0},
                          (clq_operand){buffers[2], 0}, (clq_operand){buffers[3], 0}, &error),
             &error, "clq_quantize");
    check_ok(clq_buffer_read(buffers[3], 0, codes, sizeof codes, &error), &error, "clq_buffer_read");
    for (int i = 0; i < ELEMENTS; i++) {
        assert_int_equal(codes[i], i - 50);
    }
    for (int i = 0; i < 4; i++) {
        clq_buffer_destroy(&buffers[i]);
    }
    clq_context_destroy(&context);
    return counts;
}

/* The only entry of that kind in the directory; fails when there is none or more. */
static void find_entry(const char *directory, const char *kind, char *path, size_t capacity)
{
    DIR *folder = opendir(directory);
    int found = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.' && strstr(entry->d_name, kind) != NULL) {
            snprintf(path, capacity, "%s/%s", directory, entry->d_name);
            found++;
        }
    }
    closedir(folder);
    assert_int_equal(found, 1);
}

static unsigned char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    unsigned char *data = check_allocate(1 << 22);
    assert_non_null(file);
    *bytes = fread(data, 1, 1 << 22, file);
    fclose(file);
    return data;
}

static void write_file(const char *path, const unsigned char *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void needs_device(void)
{
    if (check_device() == NULL) {
        check_needs_device();
        skip();
    }
}

static void second_context_takes_the_entry(void **state)
{
    const char *directory;
    log_counts counts;
    (void)state;
    needs_device();
    directory = scratch_path("kept");
    counts = quantize_once(directory);
    assert_int_equal(counts.built, 1);
    assert_int_equal(counts.compared, 1);
    counts = quantize_once(directory);
    assert_int_equal(counts.built, 0);
    assert_int_equal(counts.taken, 1);
    assert_int_equal(counts.compared, 0);
    counts = quantize_once(NULL); /* without a directory nothing is remembered */
    assert_int_equal(counts.built, 1);
    assert_int_equal(counts.compared, 1);
}

/* A note that a kernel gives the right bytes counts only when it is whole. */
static void damaged_verdict_is_a_miss(void **state)
{
    const char *directory;
    char path[4096];
    size_t bytes = 0;
    unsigned char *data;
    (void)state;
    needs_device();
    directory = scratch_path("verdict");
    quantize_once(directory);
    find_entry(directory, ".verdict", path, sizeof path);
    data = read_file(path, &bytes);
    for (size_t i = 0; i < bytes; i += 1 + (size_t)check_below(40)) {
        data[i] ^= 4;
        write_file(path, data, bytes);
        data[i] ^= 4;
        assert_int_equal(quantize_once(directory).compared, 1);
        assert_int_equal(quantize_once(directory).compared, 0);
    }
    free(data);
}

/* A note of the older kind, which says nothing of binaries, under the key of today. */
static void note_without_binaries_is_a_miss(void **state)
{
    static const char old[] = "gives the bytes of the reference\n";
    const char *directory;
    char path[4096];
    size_t bytes = 0;
    unsigned char *data;
    uint64_t numbers[2] = {sizeof old - 1, 0};
    uint64_t key_bytes = 0;
    size_t at = strlen("clquant cache 2\n");
    (void)state;
    needs_device();
    directory = scratch_path("old");
    quantize_once(directory);
    find_entry(directory, ".verdict", path, sizeof path);
    data = read_file(path, &bytes);
    memcpy(&key_bytes, data + at, sizeof key_bytes);
    at += sizeof key_bytes + (size_t)key_bytes;
    numbers[1] = XXH3_64bits(old, sizeof old - 1);
    memcpy(data + at, numbers, sizeof numbers);
    memcpy(data + at + sizeof numbers, old, sizeof old - 1);
    write_file(path, data, at + sizeof numbers + sizeof old - 1);
    free(data);
    assert_int_equal(quantize_once(directory).compared, 1);
    assert_int_equal(quantize_once(directory).compared, 0);
    find_entry(directory, ".verdict", path, sizeof path); /* written in its place */
}

/* What is kept names the file that the driver is, with its size, wherever that can be found; PoCL's can. */
static void keys_name_the_drivers_file(void **state)
{
    static const char title[] = "driver file ";
    const char *directory;
    char path[4096];
    char driver[4096] = "";
    size_t bytes = 0;
    unsigned char *data;
    unsigned long long size = 0;
    clq_device_info info;
    (void)state;
    needs_device();
    directory = scratch_path("driver");
    quantize_once(directory);
    find_entry(directory, ".program", path, sizeof path);
    data = read_file(path, &bytes);
    for (size_t i = 0; i + sizeof title < bytes && driver[0] == '\0'; i++) {
        if (memcmp(data + i, title, sizeof title - 1) == 0) {
            assert_int_equal(sscanf((const char *)data + i, "driver file %4000[^,\n], %llu bytes", driver, &size),
                             memcmp(data + i, "driver file unknown\n", 20) == 0 ? 1 : 2);
        }
    }
    free(data);
    assert_string_not_equal(driver, "");
    clq_context_device(check_device(), &info);
    if (strcmp(info.platform_name, "Portable Computing Language") == 0) {
        struct stat file;
        assert_int_equal(stat(driver, &file), 0);
        assert_true((unsigned long long)file.st_size == size);
        assert_non_null(strstr(driver, "pocl"));
    }
}

static void damage_is_a_miss(void **state)
{
    const char *directory;
    char path[4096];
    size_t bytes = 0;
    unsigned char *good;
    (void)state;
    needs_device();
    directory = scratch_path("damaged");
    quantize_once(directory);
    find_entry(directory, ".program", path, sizeof path);
    good = read_file(path, &bytes);
    for (int round = 0; round < 12; round++) {
        unsigned char *bad = check_allocate(bytes + 1);
        size_t bad_bytes = bytes;
        log_counts counts;
        memcpy(bad, good, bytes);
        if (round == 0) {
            bad_bytes = 0;
        } else if (round < 4) {
            bad_bytes = (size_t)check_below(bytes); /* cut */
        } else if (round == 4) {
            bad[bad_bytes++] = 0; /* too long */
        } else {
            bad[check_below(bytes)] ^= (unsigned char)(1u << check_below(8));
        }
        write_file(path, bad, bad_bytes);
        counts = quantize_once(directory);
        assert_int_equal(counts.built, 1);
        assert_int_equal(counts.warnings, 0);
        counts = quantize_once(directory); /* the miss has written it anew */
        assert_int_equal(counts.taken, 1);
        free(bad);
    }
    free(good);
}

/* An entry of another program under this one's name: its key does not match. */
static void foreign_entry_is_a_miss(void **state)
{
    const char *directory;
    char path[4096];
    size_t bytes = 0;
    unsigned char *data;
    log_counts counts;
    (void)state;
    needs_device();
    directory = scratch_path("foreign");
    quantize_once(directory);
    find_entry(directory, ".program", path, sizeof path);
    data = read_file(path, &bytes);
    for (size_t i = 0; i + 7 < bytes; i++) {
        if (memcmp(data + i, "library", 7) == 0) {
            data[i + 8] ^= 1; /* as if by another version */
            break;
        }
    }
    write_file(path, data, bytes);
    free(data);
    counts = quantize_once(directory);
    assert_int_equal(counts.built, 1);
    assert_int_equal(counts.warnings, 0);
}

static int count_entries(const char *directory, const char *part)
{
    DIR *folder = opendir(directory);
    int found = 0;
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        found += strstr(entry->d_name, part) != NULL;
    }
    closedir(folder);
    return found;
}

/* What stands in an entry's place and is no file counts as a miss, at once; what can be replaced is. */
static void what_is_no_file_is_a_miss(void **state)
{
    static const char *const kinds[] = {".program", ".verdict"};
    const char *directory;
    char path[4096];
    (void)state;
    needs_device();
    directory = scratch_path("odd");
    quantize_once(directory);
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        find_entry(directory, kinds[kind], path, sizeof path);
        for (int odd = 0; odd < 3; odd++) {
            log_counts counts;
            scratch_remove(path);
            if (odd == 0) {
                assert_int_equal(mkfifo(path, 0600), 0);
            } else if (odd == 1) {
                assert_int_equal(symlink("/dev/zero", path), 0);
            } else {
                assert_int_equal(mkdir(path, 0700), 0);
            }
            alarm(120); /* waiting for a FIFO would take forever */
            counts = quantize_once(directory);
            alarm(0);
            assert_int_equal(kind == 0 ? counts.built : counts.compared, 1);
            assert_int_equal(counts.warnings, odd == 2); /* a folder stays, and is told */
            counts = quantize_once(directory);
            assert_int_equal(kind == 0 ? counts.built : counts.compared, odd == 2);
        }
        scratch_remove(path);
        quantize_once(directory);
    }
}

/* Half an entry of a process that was killed goes with the next entry that is written. */
static void left_temporary_files_are_removed(void **state)
{
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    const char *directory;
    char path[4096];
    (void)state;
    needs_device();
    directory = scratch_path("left");
    assert_int_equal(mkdir(directory, 0700), 0);
    snprintf(path, sizeof path, "%s/.entry.tmp-aaaaaa", directory);
    write_file(path, (const unsigned char *)"half", 4);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0); /* for every file system */
    quantize_once(directory);
    assert_int_equal(count_entries(directory, ".program"), 1);
    assert_int_equal(count_entries(directory, ".tmp-"), 0);
}

static void refuse(const char *directory, const char *part)
{
    clq_error error;
    assert_int_equal(clq_context_set_cache(check_device(), directory, &error), CLQ_IO_ERROR);
    assert_non_null(strstr(error.message, part));
}

static void unsafe_directories_are_refused(void **state)
{
    const char *path;
    (void)state;
    needs_device();
    path = scratch_path("open");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0);
    refuse(path, "writable by no one else");
    path = scratch_path("file");
    write_file(path, (const unsigned char *)"x", 1);
    refuse(path, "file");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(second_context_takes_the_entry),   cmocka_unit_test(damage_is_a_miss),
    cmocka_unit_test(damaged_verdict_is_a_miss),        cmocka_unit_test(foreign_entry_is_a_miss),
    cmocka_unit_test(unsafe_directories_are_refused),   cmocka_unit_test(what_is_no_file_is_a_miss),
    cmocka_unit_test(left_temporary_files_are_removed), cmocka_unit_test(note_without_binaries_is_a_miss),
    cmocka_unit_test(keys_name_the_drivers_file),
};

int main(void)
{
    int result;
    scratch_begin(NULL);
    result = check_main("cache", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return result;
}
