/* SPDX-License-Identifier: Apache-2.0 */
/* Which drivers the loader will find (libOpenCL(7) of ocl-icd; the Khronos loader knows a folder only), and the note
 * that they could be loaded. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dl_iterate_phdr */
#endif
#include "command/frame/driver_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <link.h>
#endif

#include "core/hash.h"
#include "core/temporary.h"

static const char default_folder[] = "/etc/OpenCL/vendors";

extern char **environ;

/* ---- the list ---- */

static int ends_in_icd(const char *name)
{
    const size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".icd") == 0;
}

/* The file's first line, which is the library. A file without one is none of the loader's either. */
static size_t add_file(const char *path, cli_driver *drivers, size_t count)
{
    cli_driver *driver = &drivers[count];
    FILE *file = count < CLI_DRIVERS_MOST && strlen(path) < sizeof driver->icd ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return count;
    }
    memset(driver, 0, sizeof *driver);
    if (fgets(driver->library, sizeof driver->library, file) != NULL) {
        driver->library[strcspn(driver->library, "\r\n")] = '\0';
    }
    (void)fclose(file);
    memcpy(driver->icd, path, strlen(path) + 1);
    return driver->library[0] != '\0' ? count + 1 : count;
}

static int by_file(const void *a, const void *b)
{
    return strcmp(((const cli_driver *)a)->icd, ((const cli_driver *)b)->icd);
}

static size_t add_folder(const char *folder, cli_driver *drivers)
{
    DIR *entries = opendir(folder);
    size_t count = 0;
    if (entries == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        char path[sizeof drivers->icd];
        if (ends_in_icd(entry->d_name) &&
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path) {
            count = add_file(path, drivers, count);
        }
    }
    (void)closedir(entries);
    qsort(drivers, count, sizeof *drivers, by_file);
    return count;
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

const char *cli_drivers_place(void)
{
    return environment("OCL_ICD_VENDORS", environment("OPENCL_VENDOR_PATH", default_folder));
}

size_t cli_list_drivers(cli_driver *drivers)
{
    const char *vendors = environment("OCL_ICD_VENDORS", NULL);
    const char *folder = environment("OPENCL_VENDOR_PATH", default_folder);
    struct stat facts;
    char path[sizeof drivers->icd];
    if (vendors == NULL) {
        return add_folder(folder, drivers);
    }
    if (stat(vendors, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        return add_folder(vendors, drivers);
    }
    if (ends_in_icd(vendors)) {
        if (strchr(vendors, '/') == NULL && snprintf(path, sizeof path, "%s/%s", folder, vendors) < (int)sizeof path &&
            add_file(path, drivers, 0) == 1) {
            return 1;
        }
        return add_file(vendors, drivers, 0);
    }
    memset(drivers, 0, sizeof *drivers);
    (void)snprintf(drivers->library, sizeof drivers->library, "%s", vendors);
    return 1;
}

/* ---- the note ---- */

static const char last_line[] = "all of them can be loaded\n";
static const char temporary_note[] = ".drivers" CLQ_TEMPORARY_SUFFIX;

/* A file by what changes with it; 0 when it is not there. */
static int describe(const char *path, char *line, size_t capacity)
{
    struct stat facts;
    int length = 0;
    if (stat(path, &facts) != 0) {
        return 0;
    }
    length = snprintf(line, capacity, "%ju %ju %jd %ld %s\n", (uintmax_t)facts.st_ino, (uintmax_t)facts.st_size,
                      (intmax_t)facts.st_mtim.tv_sec, (long)facts.st_mtim.tv_nsec, path);
    return length > 0 && (size_t)length < capacity;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
    return XXH3_64bits_withSeed(text, strlen(text), hash);
}

static uint64_t add_facts(uint64_t hash, const char *path)
{
    char line[4400];
    return add_text(hash, describe(path, line, sizeof line) ? line : "none");
}

cli_drivers_note cli_name_drivers_note(const cli_driver *drivers, size_t count)
{
    /* What loaders, the dynamic linker and PoCL read. */
    static const char *const prefixes[] = {"LD_", "OCL_", "OPENCL_", "POCL_"};
    cli_drivers_note note;
    uint64_t hash = add_facts(0, "/etc/ld.so.cache");
    for (char **variable = environ; *variable != NULL; variable++) {
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
            if (strncmp(*variable, prefixes[i], strlen(prefixes[i])) == 0) {
                hash = add_text(hash, *variable);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        hash = add_text(add_facts(hash, drivers[i].icd), drivers[i].library);
        hash = add_facts(hash, drivers[i].library); /* the loader may have let go of it when the note is written */
    }
    snprintf(note.name, sizeof note.name, "%016" PRIx64 ".drivers", hash);
    return note;
}

#ifdef __linux__
/* Each library of the process that has a file; the loader's layers are among them. */
static int write_library(struct dl_phdr_info *info, size_t bytes, void *file)
{
    char line[4400];
    (void)bytes;
    if (info->dlpi_name != NULL && info->dlpi_name[0] == '/' && describe(info->dlpi_name, line, sizeof line)) {
        fputs(line, file);
    }
    return 0;
}

void cli_write_drivers_note(const char *cache, const cli_drivers_note *note)
{
    char temporary[sizeof temporary_note];
    const int folder = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = -1;
    FILE *file = NULL;
    int is_whole = 0;
    memcpy(temporary, temporary_note, sizeof temporary);
    if (folder >= 0) {
        clq_temporary_remove_left(folder, temporary);
        fd = clq_temporary_make(folder, temporary, 0600);
    }
    if (fd >= 0 && (file = fdopen(fd, "w")) != NULL) {
        (void)dl_iterate_phdr(write_library, file);
        is_whole = fputs(last_line, file) >= 0 && fflush(file) == 0 && ferror(file) == 0 &&
                   renameat(folder, temporary, folder, note->name) == 0;
        (void)fclose(file);
    }
    if (fd >= 0 && !is_whole) {
        (void)unlinkat(folder, temporary, 0);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
}
#else
/* Nobody tells which libraries were loaded: there is no note, and drivers are tried each time. */
void cli_write_drivers_note(const char *cache, const cli_drivers_note *note)
{
    (void)cache;
    (void)note;
}
#endif

int cli_drivers_note_holds(const char *cache, const cli_drivers_note *note)
{
    char path[4400];
    char line[4400];
    char now[4400];
    int holds = 0;
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/%s", cache, note->name) < (int)sizeof path) {
        file = fopen(path, "re");
    }
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *name = strchr(line, '/');
        holds = strcmp(line, last_line) == 0;
        if (name == NULL) {
            break; /* the last line, or nothing that was written here */
        }
        memcpy(path, name, strcspn(name, "\n"));
        path[strcspn(name, "\n")] = '\0';
        if (!describe(path, now, sizeof now) || strcmp(line, now) != 0) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return holds;
}
