/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_internal.h"
#include "core/executor.h"
#include "native/trust.h"

/* ---- memory and messages ---- */

void *check_allocate(uint64_t bytes)
{
    void *memory = malloc(bytes > 0 ? (size_t)bytes : 1);
    if (memory == NULL) {
        fail_msg("no memory for %" PRIu64 " bytes", bytes);
    }
    return memory;
}

void check_print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* A device whose buffers hold too little for a test refuses it, and names their size; but a library that asks for more
 * than it needs says the same, which counts where it is known and nowhere else (zoo/pairs.txt). */
static int is_refused_for_size(clq_status status, const clq_error *error)
{
    const char *may = getenv("CLQ_TEST_MAY_REFUSE");
    return may != NULL && strcmp(may, "1") == 0 &&
           ((status == CLQ_UNSUPPORTED && strstr(error->message, "no buffer holds") != NULL) ||
            (status == CLQ_OUT_OF_MEMORY && strstr(error->message, "the largest buffer on ") != NULL)) &&
           check_device() != NULL && check_is_small();
}

void check_ok(clq_status status, const clq_error *error, const char *what)
{
    if (status != CLQ_OK) {
        check_print("%s: %s: %s", what, clq_status_name(status), error->message);
        if (error->opencl_call[0] != '\0') {
            check_print("    %s gave %" PRId32, error->opencl_call, error->opencl_code);
        }
        if (error->build_log[0] != '\0') {
            check_print("%s", error->build_log);
        }
        if (is_refused_for_size(status, error)) {
            check_skip("the device's buffers are too small, as it says");
        }
        fail_msg("%s failed (seed %" PRIu64 ")", what, check_seed());
    }
}

/* ---- devices ---- */

static clq_context *reference;
static clq_context *device;
static int something_skipped;

clq_context *check_reference(void)
{
    return reference;
}

clq_context *check_device(void)
{
    return device;
}

const char *check_device_spec(void)
{
    static char spec[32];
    clq_device_info info;
    clq_context_device(device, &info);
    snprintf(spec, sizeof spec, "%d:%d", (int)info.platform, (int)info.device);
    return info.platform < 0 ? "native" : spec;
}

int check_device_is_native(void)
{
    clq_device_info info;
    if (device == NULL) {
        return 0;
    }
    clq_context_device(device, &info);
    return info.platform < 0;
}

static uint64_t cases_too_large;
static uint64_t cases_set_aside;

int check_device_holds(uint64_t bytes)
{
    clq_device_info info;
    clq_context_device(device, &info);
    cases_too_large += bytes > info.maximum_allocation_bytes;
    return bytes <= info.maximum_allocation_bytes;
}

int check_is_small(void)
{
    clq_device_info info;
    clq_context_device(device, &info);
    return info.maximum_allocation_bytes < UINT64_C(4) << 20;
}

int check_trial_is_too_large(clq_status status, const clq_error *error)
{
    const int is = status == CLQ_UNSUPPORTED && strstr(error->message, "no buffer holds") != NULL;
    if (is && !check_is_small()) {
        fail_msg("a device with large buffers: %s", error->message);
    }
    cases_too_large += is != 0;
    return is;
}

/* Whether the refusal is what one entry, "loops", "host-weights" or "OPERATION:KERNEL", allows. */
static int is_allowed(const char *entry, clq_status status, const clq_error *error)
{
    char operation[64];
    char kernel[64];
    char begins[80];
    char tried[96];
    int used = 0;
    if (strcmp(entry, "loops") == 0) {
        return status == CLQ_UNSUPPORTED && strstr(error->message, "the device ends loops") != NULL;
    }
    if (strcmp(entry, "host-weights") == 0) {
        return (status == CLQ_MISMATCH || status == CLQ_UNSUPPORTED) &&
               strstr(error->message, "these weights, which lie on the host") != NULL;
    }
    if (sscanf(entry, "%63[^:]:%63[^:]%n", operation, kernel, &used) != 2 || entry[used] != '\0') {
        fail_msg("CLQ_TEST_SET_ASIDE has '%s', and 'loops', 'host-weights' or OPERATION:KERNEL is required", entry);
    }
    snprintf(begins, sizeof begins, "%s on ", operation);
    snprintf(tried, sizeof tried, "(%s was the last one tried)", kernel);
    return status == CLQ_MISMATCH && strncmp(error->message, begins, strlen(begins)) == 0 &&
           strstr(error->message, tried) != NULL;
}

int check_is_set_aside(clq_status status, const clq_error *error)
{
    const char *list = getenv("CLQ_TEST_SET_ASIDE");
    int is = 0;
    while (status != CLQ_OK && list != NULL && *list != '\0') {
        char entry[128];
        const size_t length = strcspn(list, ",");
        snprintf(entry, sizeof entry, "%.*s", (int)length, list);
        is |= is_allowed(entry, status, error);
        list += length + (list[length] == ',');
    }
    cases_set_aside += is != 0;
    return is;
}

/* Every line of kernels.def; a name is tried once for each operation that has it. */
static const struct {
    clq_operation operation;
    const char *variant;
} kernels[] = {
#define CLQ_KERNEL(operation, variant, file, kernel, contract) {operation, variant},
#include "../kernels/kernels.def"
};

enum { MAX_VARIANTS = 16 };
static const char *variants[MAX_VARIANTS];
static size_t variant_count;

typedef struct run_count {
    const char *operation;
    char variant[48];
    uint64_t times;
} run_count;

static run_count runs[64];
static size_t run_count_used;

/* Sets of instructions of native, those that this machine has. */
static void collect_sets(clq_context *native)
{
    for (size_t i = 0; i < native->native->set_count; i++) {
        const char *const set = native->native->sets[i]->name;
        if (clq_context_force_variant(native, set, NULL) == CLQ_OK) {
            variants[variant_count++] = set;
        }
    }
    (void)clq_context_force_variant(native, NULL, NULL);
}

static void collect_variants(void)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        size_t v = 0;
        while (v < variant_count && strcmp(variants[v], kernels[i].variant) != 0) {
            v++;
        }
        if (v == variant_count && variant_count < MAX_VARIANTS) {
            variants[variant_count++] = kernels[i].variant;
        }
    }
}

size_t check_variant_count(void)
{
    return variant_count;
}

const char *check_variant(size_t index)
{
    return variants[index];
}

static int kernels_set_aside;

static void print_log(void *cookie, clq_log_level level, const char *message)
{
    (void)cookie;
    if (level <= CLQ_LOG_WARNING) {
        check_print("device: %s", message);
        kernels_set_aside +=
            strstr(message, "differ from the reference") != NULL || strstr(message, "does not build") != NULL;
    }
}

int check_kernels_set_aside(void)
{
    return kernels_set_aside;
}

static int is_set(const char *variable)
{
    const char *text = getenv(variable);
    return text != NULL && strcmp(text, "1") == 0;
}

/*
 * Whether the habits that CLQ_ZOO asks for are the device's. Where OPENCL_LAYERS is not taken, as by a loader that
 * knows no layers or that cannot load this one, the plain device would pass in the place of all others. The layer tells
 * this process, by its number, that it is in it: a child would inherit the word.
 */
static int has_habits(void)
{
    const char *habits = getenv("CLQ_ZOO");
    const char *in = getenv("CLQ_ZOO_IN");
    const char *layers = getenv("OPENCL_LAYERS");
    if (habits == NULL || habits[0] == '\0' || (in != NULL && strtol(in, NULL, 10) == (long)getpid())) {
        return 1;
    }
    check_print(
        "CLQ_ZOO is '%s', and the layer that gives a device these habits is not in this process: OPENCL_LAYERS, "
        "which the loader needs, is %s%s",
        habits, layers != NULL ? layers : "not set", layers != NULL ? ", and was not loaded" : "");
    return 0;
}

/* Only a device that does not exist may be missing; one that fails to start is a failure. */
static int open_device(void)
{
    const char *spec = getenv("CLQ_TEST_DEVICE");
    clq_device_info info;
    clq_error error;
    clq_status status = clq_context_create(spec != NULL && spec[0] != '\0' ? spec : "auto", &device, &error);
    if (status == CLQ_NO_DEVICE) {
        check_print("no device: %s", error.message);
        return 0;
    }
    if (status != CLQ_OK) {
        check_print("the device cannot be used: %s: %s\n%s", clq_status_name(status), error.message, error.build_log);
        return -1;
    }
    clq_context_device(device, &info);
    if (info.type == CLQ_DEVICE_REFERENCE) {
        clq_context_destroy(&device);
        check_print("no OpenCL device");
        return 0;
    }
    if (check_device_is_native()) {
        collect_sets(device);
    } else {
        collect_variants();
    }
    clq_context_set_log(device, print_log, NULL);
    device->trusts_untried = is_set("CLQ_TEST_UNTRIED");
    check_print("device: %s (%s, %s)", info.name, info.platform_name, info.driver);
    return 0;
}

int check_open_contexts(void **state)
{
    clq_error error;
    (void)state;
    if (clq_context_create("reference", &reference, &error) != CLQ_OK) {
        check_print("no reference context: %s", error.message);
        return -1;
    }
    return open_device() == 0 && has_habits() ? 0 : -1;
}

void check_count_run(const char *operation, const char *variant)
{
    size_t i = 0;
    while (i < run_count_used && (strcmp(runs[i].operation, operation) != 0 || strcmp(runs[i].variant, variant) != 0)) {
        i++;
    }
    if (i == run_count_used) {
        if (i == sizeof runs / sizeof runs[0]) {
            fail_msg("more variants ran than can be counted");
        }
        runs[i].operation = operation;
        snprintf(runs[i].variant, sizeof runs[i].variant, "%s", variant);
        run_count_used++;
    }
    runs[i].times++;
}

/* How often each kernel ran: one that never does is not tested. */
static void print_times_run(void)
{
    for (size_t i = 0; i < run_count_used; i++) {
        check_print("%s %s: %" PRIu64 " cases", runs[i].operation, runs[i].variant, runs[i].times);
    }
    if (cases_set_aside > 0) {
        check_print("%" PRIu64 " cases of forced kernels were refused, since this device does not run them right",
                    cases_set_aside);
    }
    if (cases_too_large > 0) {
        check_print("%" PRIu64 " cases were too large for the buffers of this device", cases_too_large);
    }
}

int check_close_contexts(void **state)
{
    (void)state;
    print_times_run();
    clq_context_destroy(&device);
    clq_context_destroy(&reference);
    return 0;
}

void check_crashes_end_the_program(void)
{
    static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], SIG_DFL);
    }
}

int check_something_was_skipped(void)
{
    return something_skipped;
}

void check_skip(const char *why)
{
    check_print("skipped: %s", why);
    something_skipped = 1;
    skip();
}

void check_needs_device(void)
{
    const char *required = getenv("CLQ_REQUIRE_DEVICE");
    if (device != NULL) {
        return;
    }
    if (required != NULL && strcmp(required, "1") == 0) {
        fail_msg("no OpenCL device, and CLQ_REQUIRE_DEVICE=1");
    }
    check_skip("there is no OpenCL device; the reference alone was checked");
}
