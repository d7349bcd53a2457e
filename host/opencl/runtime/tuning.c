/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/runtime/tuning.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "opencl/runtime/context.h"

/* ---- what there is ---- */

#define LIST(...) __VA_ARGS__
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    static const uint32_t values_of_##identifier[] = {LIST values};
#include "tunables.def"

#define OP(operation) (UINT32_C(1) << CLQ_OP_##operation)
#define BATCH CLQ_TUNABLE_BATCH
#define GEMM CLQ_TUNABLE_GEMM

static const clq_tunable tunables[CLQ_TUNE_COUNT] = {
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    {(name), (unit), (meaning), (operations), sizeof values_of_##identifier / sizeof(uint32_t), values_of_##identifier},
#include "tunables.def"
};

static const struct {
    uint32_t on_cpu, elsewhere;
    int makes_program;
} facts[CLQ_TUNE_COUNT] = {
#define CLQ_TUNABLE(identifier, name, operations, makes_program, on_cpu, elsewhere, values, unit, meaning)             \
    {(on_cpu), (elsewhere), (makes_program)},
#include "tunables.def"
};

_Static_assert(CLQ_OP_COUNT <= 30, "clq_tunable.operations has a bit for each operation");

const clq_tunable *clq_cl_tunable(clq_tunable_number number)
{
    return &tunables[number];
}

static int takes(int number, uint32_t value)
{
    for (size_t i = 0; i < tunables[number].value_count; i++) {
        if (tunables[number].values[i] == value) {
            return 1;
        }
    }
    return 0;
}

clq_status clq_cl_tuning_check(const clq_tuned_value *table, clq_error *error)
{
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        CLQ_REQUIRE(takes(i, table[i].value), "%s cannot be %" PRIu32, tunables[i].name, table[i].value);
    }
    return CLQ_OK;
}

const char *clq_cl_tuned_text(const clq_cl_tuning *tuning, uint32_t operations)
{
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        if (tuning->is_tuned[i] && (tunables[i].operations & operations) != 0) {
            return "; tuned";
        }
    }
    return "";
}

/* ---- tables ---- */

/* Acquire: the table's values were written before it was handed out. */
const clq_cl_tuning *clq_cl_tuning_of(const clq_context *context)
{
    return atomic_load_explicit(&context->cl->tunings.present, memory_order_acquire);
}

const clq_cl_tuning *clq_cl_tuning_untuned(const clq_context *context)
{
    const clq_cl_tuning *tuning = clq_cl_tuning_of(context);
    while (tuning->next != NULL) {
        tuning = tuning->next; /* those behind it never change */
    }
    return tuning;
}

void clq_cl_tuning_copy(const clq_cl_tuning *tuning, clq_tuned_value *table)
{
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        table[i] = (clq_tuned_value){tuning->values[i], tuning->is_tuned[i]};
    }
}

/* By names and values, not by places, so that a note stays what it is when other tunables are added. */
static void name_programs(clq_cl_tuning *tuning)
{
    uint64_t hash = 0;
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        char text[64];
        if (facts[i].makes_program) {
            const int length = snprintf(text, sizeof text, "%s %" PRIu32 "\n", tunables[i].name, tuning->values[i]);
            hash = XXH3_64bits_withSeed(text, (size_t)length, hash);
        }
    }
    snprintf(tuning->programs, sizeof tuning->programs, "%016" PRIx64, hash);
}

/* What ships for this device. */
static void take_shipped(clq_cl_tuning *tuning, const clq_device_info *info)
{
    static const struct {
        const char *platform, *device;
        clq_device_type type;
        clq_tunable_number number;
        uint32_t value;
    } shipped[] = {
#define CLQ_TUNED(platform, device, type, identifier, value)                                                           \
    {(platform), (device), (type), CLQ_TUNE_##identifier, (value)},
#include "tuned.def"
    };
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        if (shipped[i].type == info->type && strstr(info->platform_name, shipped[i].platform) != NULL &&
            strstr(info->name, shipped[i].device) != NULL) {
            tuning->values[shipped[i].number] = shipped[i].value;
            tuning->is_tuned[shipped[i].number] = 1;
        }
    }
}

clq_status clq_cl_tunings_init(clq_cl_tunings *tunings, const clq_device_info *info, clq_error *error)
{
    clq_cl_tuning *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a context");
    }
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        made->values[i] = info->type == CLQ_DEVICE_CPU ? facts[i].on_cpu : facts[i].elsewhere;
    }
    take_shipped(made, info);
    if (memchr(made->is_tuned, 1, sizeof made->is_tuned) != NULL) {
        name_programs(made);
    }
    pthread_mutex_init(&tunings->lock, NULL);
    tunings->first = made;
    tunings->program_sets = 1;
    atomic_init(&tunings->present, made);
    return CLQ_OK;
}

void clq_cl_tunings_destroy(clq_cl_tunings *tunings)
{
    clq_cl_tuning *tuning = tunings->first;
    if (tuning != NULL) {
        pthread_mutex_destroy(&tunings->lock);
    }
    while (tuning != NULL) {
        clq_cl_tuning *next = tuning->next;
        free(tuning);
        tuning = next;
    }
}

static int have_same_programs(const clq_cl_tuning *a, const clq_cl_tuning *b)
{
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        if (facts[i].makes_program && a->values[i] != b->values[i]) {
            return 0;
        }
    }
    return 1;
}

/* The lock is held. A table of the list with these programs knows their number. */
static clq_status find_programs(clq_cl_tunings *tunings, clq_cl_tuning *made, clq_error *error)
{
    for (const clq_cl_tuning *t = tunings->first; t != NULL; t = t->next) {
        if (have_same_programs(t, made)) {
            made->program_set = t->program_set;
            memcpy(made->programs, t->programs, sizeof made->programs);
            return CLQ_OK;
        }
    }
    if (tunings->program_sets == CLQ_CL_PROGRAM_SETS) {
        return clq_fail(error, CLQ_UNSUPPORTED, "a context can have %d kinds of programs, and had them all",
                        CLQ_CL_PROGRAM_SETS);
    }
    made->program_set = tunings->program_sets++;
    name_programs(made);
    return CLQ_OK;
}

static int is_table(const clq_cl_tuning *tuning, const clq_tuned_value *table)
{
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        if (tuning->values[i] != table[i].value || tuning->is_tuned[i] != (table[i].is_tuned != 0)) {
            return 0;
        }
    }
    return 1;
}

/* The lock is held. One like it that is there already is used again. */
static clq_status find_or_add(clq_cl_tunings *tunings, const clq_tuned_value *table, const clq_cl_tuning **found,
                              clq_error *error)
{
    clq_status status;
    clq_cl_tuning *made;
    for (const clq_cl_tuning *t = tunings->first; t != NULL; t = t->next) {
        if (is_table(t, table)) {
            *found = t;
            return CLQ_OK;
        }
    }
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a table of tuned values");
    }
    for (int i = 0; i < CLQ_TUNE_COUNT; i++) {
        made->values[i] = table[i].value;
        made->is_tuned[i] = table[i].is_tuned != 0;
    }
    status = find_programs(tunings, made, error);
    if (status != CLQ_OK) {
        free(made);
        return status;
    }
    made->next = tunings->first;
    tunings->first = made;
    *found = made;
    return CLQ_OK;
}

clq_status clq_cl_tuning_set(clq_context *context, const clq_tuned_value *table, clq_error *error)
{
    clq_cl_tunings *tunings = &context->cl->tunings;
    const clq_cl_tuning *found = NULL;
    clq_status status;
    CLQ_TRY(clq_cl_tuning_check(table, error));
    pthread_mutex_lock(&tunings->lock);
    status = find_or_add(tunings, table, &found, error);
    if (status == CLQ_OK) {
        atomic_store_explicit(&tunings->present, found, memory_order_release);
    }
    pthread_mutex_unlock(&tunings->lock);
    return status;
}
