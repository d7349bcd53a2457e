/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* mkdtemp */
#endif
#include "command/frame/drivers.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/frame/driver_list.h"
#include "command/frame/driver_trial.h"

/* Loading takes a fraction of a second; the first use of many GPUs after a start some. */
enum { SECONDS = 20, MOST_SECONDS = 3600 };

/* Of this process: the loader loads once. */
static cli_driver drivers[CLI_DRIVERS_MOST]; /* those that were left out come first, once that is known */
static size_t driver_count;
static size_t left_out_count;

/* Folders of .icd files under a temporary one, each named by a number: that of the only driver in it, or `driver_count`
 * for all that can be loaded. The loaders have folders in common. */
typedef struct vendor_folders {
    char root[512];
} vendor_folders;

typedef struct vendor_path {
    char text[600];
} vendor_path;

static vendor_path folder_of(const vendor_folders *folders, size_t number)
{
    vendor_path path;
    snprintf(path.text, sizeof path.text, "%s/%zu", folders->root, number);
    return path;
}

/* The driver's .icd file in one of the folders. */
static vendor_path file_of(const vendor_folders *folders, size_t folder, size_t driver)
{
    vendor_path path;
    snprintf(path.text, sizeof path.text, "%s/%zu/%03zu.icd", folders->root, folder, driver);
    return path;
}

static int write_file(const vendor_folders *folders, size_t folder, size_t driver)
{
    FILE *file = fopen(file_of(folders, folder, driver).text, "we");
    int written = file != NULL && fprintf(file, "%s\n", drivers[driver].library) > 0;
    written = (file == NULL || fclose(file) == 0) && written;
    return written;
}

static int make_folders(vendor_folders *folders)
{
    const char *above = getenv("TMPDIR");
    const int length = snprintf(folders->root, sizeof folders->root, "%s/clquant-drivers-XXXXXX",
                                above != NULL && above[0] == '/' ? above : "/tmp");
    if (length >= (int)sizeof folders->root || mkdtemp(folders->root) == NULL) {
        folders->root[0] = '\0';
        return 0;
    }
    for (size_t i = 0; i <= driver_count; i++) {
        if (mkdir(folder_of(folders, i).text, 0700) != 0 || (i < driver_count && !write_file(folders, i, i))) {
            return 0;
        }
    }
    return 1;
}

static void remove_folders(const vendor_folders *folders)
{
    if (folders->root[0] == '\0') {
        return;
    }
    for (size_t i = 0; i <= driver_count; i++) {
        for (size_t d = 0; d < driver_count; d++) {
            (void)unlink(file_of(folders, i, d).text);
        }
        (void)rmdir(folder_of(folders, i).text);
    }
    (void)rmdir(folders->root);
}

/* ---- trials ---- */

static clq_status take_seconds(unsigned *seconds, clq_error *error)
{
    const char *text = getenv("CLQUANT_DRIVER_SECONDS");
    int64_t value = SECONDS;
    CLQ_REQUIRE(text == NULL || text[0] == '\0' || clq_parse_i64(text, 0, MOST_SECONDS, &value),
                "CLQUANT_DRIVER_SECONDS is '%.100s', and a number from 0 to %d is required", text, (int)MOST_SECONDS);
    *seconds = (unsigned)value;
    return CLQ_OK;
}

static clq_status no_trial(clq_error *error)
{
    return clq_fail(error, CLQ_NO_DEVICE,
                    "cannot try whether the OpenCL drivers can be loaded: %s "
                    "(CLQUANT_DRIVER_SECONDS=0 loads them untried)",
                    strerror(errno));
}

static clq_status interrupted(clq_error *error)
{
    return clq_fail(error, CLQ_CANCELLED, "interrupted while the OpenCL drivers were loaded");
}

/* All drivers of `vendors` in one process; `together` tells what came of it. */
static clq_status try_together(const char *vendors, unsigned seconds, const cli_driver_note *note, cli_driver *together,
                               clq_error *error)
{
    cli_child trial;
    together->fault[0] = '\0';
    if (!cli_driver_trial_start(&trial, vendors, seconds, note)) {
        return no_trial(error);
    }
    cli_driver_trials_end(&trial, together, 1, seconds);
    return cli_interrupted() ? interrupted(error) : CLQ_OK;
}

/* Each by itself, all at the same time. */
static clq_status try_each(const vendor_folders *folders, unsigned seconds, clq_error *error)
{
    static const cli_driver_note none;
    cli_child trials[CLI_DRIVERS_MOST];
    clq_status status = CLQ_OK;
    size_t started = 0;
    while (started < driver_count &&
           cli_driver_trial_start(&trials[started], folder_of(folders, started).text, seconds, &none)) {
        started++;
    }
    if (started < driver_count) {
        status = no_trial(error);
    }
    cli_driver_trials_end(trials, drivers, started, seconds);
    return status == CLQ_OK && cli_interrupted() ? interrupted(error) : status;
}

/* ---- leaving out ---- */

/* The drivers with a fault first. */
static void sort_out(void)
{
    left_out_count = 0;
    for (size_t i = 0; i < driver_count; i++) {
        if (drivers[i].fault[0] != '\0') {
            const cli_driver bad = drivers[i];
            memmove(&drivers[left_out_count + 1], &drivers[left_out_count], (i - left_out_count) * sizeof drivers[0]);
            drivers[left_out_count++] = bad;
        }
    }
}

/* Let the loader load what is in `vendors`, which may go afterwards. */
static clq_status load(const char *vendors, clq_error *error)
{
    const char *before = getenv("OCL_ICD_VENDORS");
    char *copy = before != NULL ? strdup(before) : NULL;
    size_t count = 0;
    clq_error unused;
    if ((before != NULL && copy == NULL) || setenv("OCL_ICD_VENDORS", vendors, 1) != 0) {
        free(copy);
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to leave an OpenCL driver out");
    }
    (void)clq_devices(0, NULL, &count, &unused); /* what is wrong now is told when a device is asked for */
    if (copy != NULL) {
        (void)setenv("OCL_ICD_VENDORS", copy, 1);
    } else {
        (void)unsetenv("OCL_ICD_VENDORS");
    }
    free(copy);
    return CLQ_OK;
}

/* Those from `first` on. */
static void warn(const cli_options *options, size_t first)
{
    for (size_t i = first; i < left_out_count; i++) {
        cli_warning(options, "OpenCL driver %s%s%s%s is left out: a process that loads it %s", drivers[i].library,
                    drivers[i].icd[0] != '\0' ? " (" : "", drivers[i].icd, drivers[i].icd[0] != '\0' ? ")" : "",
                    drivers[i].fault);
    }
}

static clq_status leave_out(const cli_options *options, const vendor_folders *folders, unsigned seconds,
                            clq_error *error)
{
    static const cli_driver_note none;
    const vendor_path good = folder_of(folders, driver_count);
    cli_driver together;
    CLQ_TRY(try_each(folders, seconds, error));
    sort_out();
    for (size_t i = left_out_count; i < driver_count; i++) {
        if (!write_file(folders, driver_count, i)) {
            return no_trial(error);
        }
    }
    CLQ_TRY(try_together(good.text, seconds, &none, &together, error));
    if (left_out_count == driver_count && getenv("OPENCL_LAYERS") != NULL) {
        together = drivers[0]; /* without a driver, layers are not loaded */
    }
    if (together.fault[0] != '\0') {
        return clq_fail(error, CLQ_NO_DEVICE,
                        "a process that loads the OpenCL drivers %s, and it is not one driver alone that does it: "
                        "OCL_ICD_VENDORS names those to be loaded, OPENCL_LAYERS what lies between",
                        together.fault);
    }
    warn(options, 0);
    return load(good.text, error);
}

static clq_status check(const cli_options *options, const char *cache, clq_error *error)
{
    cli_driver_note note;
    vendor_folders folders = {""};
    cli_driver together;
    clq_status status = CLQ_OK;
    unsigned seconds = 0;
    clq_error unused;
    CLQ_TRY(take_seconds(&seconds, error));
    driver_count = seconds > 0 && clq_opencl_available(&unused) == CLQ_OK ? cli_list_drivers(drivers) : 0;
    note.cache = cache;
    note.note = cli_name_drivers_note(drivers, driver_count);
    if (driver_count == 0 || (cache != NULL && cli_drivers_note_holds(cache, &note.note))) {
        return CLQ_OK;
    }
    CLQ_TRY(try_together(NULL, seconds, &note, &together, error));
    if (together.fault[0] == '\0') {
        return CLQ_OK;
    }
    status = make_folders(&folders) ? leave_out(options, &folders, seconds, error) : no_trial(error);
    remove_folders(&folders);
    return status;
}

clq_status cli_leave_out_drivers(const cli_options *options, const char *cache, clq_error *error)
{
    static int is_known;
    static clq_error answer;
    if (!is_known) {
        (void)check(options, cache, &answer);
        is_known = answer.status != CLQ_CANCELLED;
    }
    *error = answer;
    return answer.status;
}

/* The dynamic linker's words, NULL where it loads. A process has tried the same, and come back. */
static const char *why_not_loaded(const cli_driver *driver)
{
    return dlopen(driver->library, RTLD_NOW | RTLD_LOCAL) == NULL ? dlerror() : NULL;
}

clq_status cli_leave_out_silent_drivers(const cli_options *options, clq_error *error)
{
    const size_t before = left_out_count;
    vendor_folders folders = {""};
    clq_status status = CLQ_OK;
    unsigned seconds = 0;
    CLQ_TRY(take_seconds(&seconds, error));
    if (driver_count <= 1) {
        return CLQ_OK; /* that there is no device is seen anyway */
    }
    if (before == 0) { /* else each was tried, and the loader has loaded */
        status = make_folders(&folders) ? try_each(&folders, seconds, error) : no_trial(error);
        remove_folders(&folders);
    }
    for (size_t i = before; i < driver_count; i++) {
        /* With the others it could be loaded, whatever else it did alone. */
        const int is_silent = status == CLQ_OK && drivers[i].fault[0] == '\0' && drivers[i].devices == 0;
        const char *word = is_silent ? why_not_loaded(&drivers[i]) : NULL;
        snprintf(drivers[i].fault, sizeof drivers[i].fault, "%s%s%s", is_silent ? "sees no device" : "",
                 word != NULL ? ": " : "", word != NULL ? word : "");
    }
    sort_out();
    warn(options, before);
    return status;
}

size_t cli_left_out_drivers(const cli_driver **list)
{
    *list = drivers;
    return left_out_count;
}

size_t cli_explain_drivers(const cli_driver **list, const char **place)
{
    *list = drivers;
    *place = cli_drivers_place();
    if (driver_count == 0) { /* nothing was tried */
        driver_count = cli_list_drivers(drivers);
    }
    for (size_t i = left_out_count; i < driver_count; i++) {
        const char *word = why_not_loaded(&drivers[i]); /* one that loads stays loaded */
        snprintf(drivers[i].fault, sizeof drivers[i].fault, "%s", word != NULL ? word : "");
    }
    return driver_count;
}
