/* SPDX-License-Identifier: Apache-2.0 */
/* The layer's entry points, its habits, and what the device says of itself. */
#include "zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

zoo_habits zoo;
const cl_icd_dispatch *zoo_below;

static cl_icd_dispatch layer;

cl_int zoo_answer(const void *from, size_t size, size_t capacity, void *value, size_t *bytes)
{
    if (value != NULL && capacity < size) {
        return CL_INVALID_VALUE;
    }
    if (value != NULL) {
        memcpy(value, from, size);
    }
    if (bytes != NULL) {
        *bytes = size;
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info what, size_t capacity, void *value,
                                          size_t *bytes)
{
    const cl_bool no = CL_FALSE;
    cl_int code = CL_SUCCESS;
    if (what == CL_DEVICE_NAME && zoo.name != NULL) {
        return zoo_answer(zoo.name, strlen(zoo.name) + 1, capacity, value, bytes);
    }
    if (what == CL_DEVICE_TYPE && zoo.type != 0) {
        return zoo_answer(&zoo.type, sizeof zoo.type, capacity, value, bytes);
    }
    if (what == CL_DEVICE_HOST_UNIFIED_MEMORY && zoo.own_memory) {
        return zoo_answer(&no, sizeof no, capacity, value, bytes);
    }
    if (zoo_groups_device_info(device, what, capacity, value, bytes, &code) ||
        zoo_limits_device_info(device, what, capacity, value, bytes, &code) ||
        zoo_compiler_device_info(device, what, capacity, value, bytes, &code)) {
        return code;
    }
    return zoo_below->clGetDeviceInfo(device, what, capacity, value, bytes);
}

static cl_int CL_API_CALL get_device_ids(cl_platform_id platform, cl_device_type type, cl_uint capacity,
                                         cl_device_id *devices, cl_uint *count)
{
    if (zoo.type != 0 && type != CL_DEVICE_TYPE_ALL && type != CL_DEVICE_TYPE_DEFAULT) {
        if ((type & zoo.type) == 0) {
            return CL_DEVICE_NOT_FOUND;
        }
        type = CL_DEVICE_TYPE_ALL;
    }
    return zoo_below->clGetDeviceIDs(platform, type, capacity, devices, count);
}

static int take_type(const char *text)
{
    zoo.type = strcmp(text, "cpu") == 0           ? CL_DEVICE_TYPE_CPU
               : strcmp(text, "gpu") == 0         ? CL_DEVICE_TYPE_GPU
               : strcmp(text, "accelerator") == 0 ? CL_DEVICE_TYPE_ACCELERATOR
                                                  : 0;
    return zoo.type != 0;
}

/* The words of CLQ_ZOO are a copy that goes. */
static int take_name(const char *text)
{
    static char name[64];
    snprintf(name, sizeof name, "%s", text);
    zoo.name = name;
    return name[0] != '\0';
}

static int take_failure(const char *text)
{
    return zoo_failure_init(&layer, text);
}

static int take_failures(const char *text)
{
    return zoo_failure_init_every(&layer, text);
}

static int take_crash(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_ENDS, ZOO_AT_LAUNCH);
}

static int take_crash_build(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_ENDS, ZOO_AT_BUILD);
}

static int take_crash_call(const char *text)
{
    return zoo_failure_init_fatal(&layer, text);
}

static int take_hang(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_HANGS, ZOO_AT_LAUNCH);
}

static int take_hang_build(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_HANGS, ZOO_AT_BUILD);
}

static int take_exclusive(const char *path)
{
    return zoo_failure_init_exclusive(&layer, path);
}

static int take_scarce(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_LACKS, ZOO_AT_LAUNCH);
}

static int take_scarce_build(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_LACKS, ZOO_AT_BUILD);
}

static int take_lost(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_LOSES, ZOO_AT_LAUNCH);
}

static int take_scarce_read(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_LACKS, ZOO_AT_READ);
}

static int take_lost_read(const char *text)
{
    return zoo_failure_init_kernel(&layer, text, ZOO_LOSES, ZOO_AT_READ);
}

static int take_lazy(const char *text)
{
    return zoo_first_use_init(&layer, text);
}

static int take_lose(const char *text)
{
    return zoo_lose_init(&layer, text);
}

static int take_lose_by(const char *text)
{
    return zoo_lose_init_by(&layer, text);
}

/* A habit is a word that stands alone, NAME=N with a number from 1 on, or NAME=TEXT, which a function takes. */
static const struct habit {
    const char *name;
    int *flag;
    size_t *number;
    int (*take)(const char *text); /* 0 for text that means nothing */
} habits[] = {
    {.name = "align", .number = &zoo.align},
    {.name = "allocation", .number = &zoo.allocation},
    {.name = "bits", .number = &zoo.bits},
    {.name = "cache-unknown", .flag = &zoo.cache_unknown},
    {.name = "crash", .take = take_crash},
    {.name = "crash-build", .take = take_crash_build},
    {.name = "crash-call", .take = take_crash_call},
    {.name = "early-finish", .flag = &zoo.early_finish},
    {.name = "empty-maps", .flag = &zoo.empty_maps},
    {.name = "exclusive", .take = take_exclusive},
    {.name = "fail", .take = take_failure},
    {.name = "fail-every", .take = take_failures},
    {.name = "flip-maps", .number = &zoo.flip_maps},
    {.name = "flip-reads", .number = &zoo.flip_reads},
    {.name = "flip-writes", .number = &zoo.flip_writes},
    {.name = "gives", .take = zoo_limits_gives},
    {.name = "group", .number = &zoo.group},
    {.name = "groups-behind", .number = &zoo.groups_behind},
    {.name = "handlers", .flag = &zoo.handlers},
    {.name = "hang", .take = take_hang},
    {.name = "hang-build", .take = take_hang_build},
    {.name = "hold-build", .take = zoo_compiler_hold},
    {.name = "ignore-waits", .flag = &zoo.ignore_waits},
    {.name = "in-order", .flag = &zoo.in_order},
    {.name = "kernel-group", .number = &zoo.kernel_group},
    {.name = "late", .flag = &zoo.late},
    {.name = "lazy", .take = take_lazy},
    {.name = "local", .number = &zoo.local},
    {.name = "lose", .take = take_lose},
    {.name = "lose-by", .take = take_lose_by},
    {.name = "lost", .take = take_lost},
    {.name = "lost-read", .take = take_lost_read},
    {.name = "multiple", .number = &zoo.multiple},
    {.name = "mutate", .take = zoo_programs_mutate},
    {.name = "name", .take = take_name},
    {.name = "nan", .number = &zoo.nan_from},
    {.name = "no-cache", .flag = &zoo.no_cache},
    {.name = "no-double", .flag = &zoo.no_double},
    {.name = "sized-groups", .flag = &zoo.sized_groups},
    {.name = "no-images", .flag = &zoo.no_images},
    {.name = "options", .take = zoo_programs_force},
    {.name = "own-memory", .flag = &zoo.own_memory},
    {.name = "plain-float", .flag = &zoo.plain_float},
    {.name = "refuse-binaries", .flag = &zoo.refuse_binaries},
    {.name = "reorder", .flag = &zoo.reorder},
    {.name = "round-offsets", .flag = &zoo.round_offsets},
    {.name = "scarce", .take = take_scarce},
    {.name = "scarce-build", .take = take_scarce_build},
    {.name = "scarce-read", .take = take_scarce_read},
    {.name = "slow", .take = zoo_limits_slow},
    {.name = "some-group", .number = &zoo.some_group},
    {.name = "stale-binaries", .flag = &zoo.stale_binaries},
    {.name = "type", .take = take_type},
    {.name = "units", .number = &zoo.units},
    {.name = "unrestricted", .number = &zoo.unrestricted},
    {.name = "vendor", .number = &zoo.vendor},
    {.name = "whole-sub-buffers", .flag = &zoo.whole_sub_buffers},
    {.name = "wrap-offsets", .flag = &zoo.wrap_offsets},
};

static int take_number(const char *text, size_t *number)
{
    char *end = NULL;
    *number = strtoul(text, &end, 10);
    return *number > 0 && *end == '\0';
}

/* One habit; 0 for a word that is none. */
static int take_habit(const char *word)
{
    const size_t length = strcspn(word, "=");
    const char *text = word[length] == '=' ? word + length + 1 : NULL;
    for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++) {
        const struct habit *h = &habits[i];
        if (strncmp(word, h->name, length) != 0 || h->name[length] != '\0' || (h->flag != NULL) != (text == NULL)) {
            continue;
        }
        if (h->flag != NULL) {
            *h->flag = 1;
            return 1;
        }
        return h->number != NULL ? take_number(text, h->number) : h->take(text);
    }
    return 0;
}

/* The devices of the zoo. */
static const struct {
    const char *name, *habits;
} animals[] = {
    {"discrete", "type=gpu own-memory late reorder groups-behind=65535"},
    {"accelerator", "type=accelerator own-memory late reorder"},
    {"tiny-1", "group=1 multiple=1"},
    {"tiny-3", "group=3 some-group=2 multiple=1"},
    {"tiny-16", "group=16 some-group=5 multiple=3"},
    {"tiny-32", "group=32 some-group=20 multiple=7"},
    {"narrow",
     "type=gpu local=16384 units=1000 allocation=16777216 align=4096 cache-unknown bits=32 in-order no-images "
     "no-double plain-float"},
    {"mesa", "late early-finish in-order local=32768"},
};

/* A habit that is misspelt would make every test pass: it ends the process. */
static void take_habits(const char *text)
{
    char words[512];
    char *rest = words;
    snprintf(words, sizeof words, "%s", text != NULL ? text : "");
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        size_t a = 0;
        while (a < sizeof animals / sizeof animals[0] && strcmp(word, animals[a].name) != 0) {
            a++;
        }
        if (a < sizeof animals / sizeof animals[0]) {
            take_habits(animals[a].habits);
        } else if (!take_habit(word)) {
            fprintf(stderr, "CLQ_ZOO: no habit '%s'\n", word);
            abort();
        }
    }
}

__attribute__((visibility("default"))) cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t capacity,
                                                                         void *value, size_t *bytes)
{
    static const char name[] = "clquant zoo";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *answer = what == CL_LAYER_NAME ? (const void *)name : &version;
    const size_t size = what == CL_LAYER_NAME ? sizeof name : sizeof version;
    if (what != CL_LAYER_NAME && what != CL_LAYER_API_VERSION) {
        return CL_INVALID_VALUE;
    }
    return zoo_answer(answer, size, capacity, value, bytes);
}

/* As the C++ runtime of a driver does: it keeps the stdout of when it is loaded, and flushes it at the end. */
static FILE *kept_stdout;

__attribute__((constructor)) static void keep_stdout(void)
{
    kept_stdout = stdout;
}

__attribute__((destructor)) static void flush_kept_stdout(void)
{
    (void)fflush(kept_stdout);
}

/* Leave word to the process, whose loader says nothing of a layer that it did not find (tests/check.c). */
static void tell_process(void)
{
    char number[32];
    snprintf(number, sizeof number, "%ld", (long)getpid());
    (void)setenv("CLQ_ZOO_IN", number, 1);
}

__attribute__((visibility("default"))) cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch *below,
                                                                      cl_uint *entries_here,
                                                                      const cl_icd_dispatch **here)
{
    const size_t known = sizeof layer / sizeof(void *);
    if (below == NULL || entries_here == NULL || here == NULL) {
        return CL_INVALID_VALUE;
    }
    zoo_below = below;
    memcpy(&layer, below, (entries < known ? entries : known) * sizeof(void *));
    layer.clGetDeviceInfo = get_device_info;
    layer.clGetDeviceIDs = get_device_ids;
    zoo_memory_init(&layer);
    zoo_order_init(&layer);
    zoo_groups_init(&layer);
    zoo_limits_init(&layer);
    zoo_programs_init(&layer);
    zoo_compiler_init(&layer);
    take_habits(getenv("CLQ_ZOO"));
    zoo_transfers_init(&layer);
    tell_process();
    *entries_here = (cl_uint)known;
    *here = &layer;
    return CL_SUCCESS;
}
