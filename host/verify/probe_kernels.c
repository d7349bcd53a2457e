/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of memory and work-groups that are one kernel over the arena. */
#include <stdio.h>
#include <string.h>

#include "core/size.h"
#include "opencl/runtime/context.h"
#include "opencl/runtime/launch.h"
#include "verify/probe.h"

enum { VECTORS = 129, GROUPS = 5, ROUNDS = 16, ATOMIC_ITEMS = 4096, LOCAL_COUNTERS = 16, LOCAL_ROUNDS = 32 };

static void fill_words(clq_verify_work *work, uint32_t operand, uint64_t words)
{
    uint32_t *to = clq_verify_probe_before(work, operand);
    for (uint64_t i = 0; i < words; i++) {
        to[i] = clq_verify_probe_random(work);
    }
}

static void begin(clq_cl_launch *launch, const clq_cl_machine *machine, const char *kernel)
{
    memset(launch, 0, sizeof *launch);
    launch->file = "probe_memory.cl";
    launch->kernel = kernel;
    launch->dimensions = 1;
    clq_cl_launch_memory(launch, machine->arena.object);
}

/* ---- loops ---- */

/* Work-items of one round, of half the rounds and of all; above a thousand million the rounds are of many loops. */
clq_status clq_verify_probe_loop(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    enum { MANY = 1000000000, ITEMS = 3, STEPS = 256 };
    const uint32_t which = work->item->of.probe.question->which;
    const uint32_t rounds = which % MANY;
    const uint32_t of_items[ITEMS] = {1, rounds / 2, rounds};
    clq_cl_launch launch;
    (void)clq_verify_probe_operand(work, "rounds", CLQ_VERIFY_U32, ITEMS, 0);
    (void)clq_verify_probe_operand(work, "steps", CLQ_VERIFY_U32, STEPS, 0);
    (void)clq_verify_probe_operand(work, "rounds made", CLQ_VERIFY_U32, ITEMS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (uint32_t i = 0; i < STEPS; i++) {
        clq_verify_probe_before(work, 1)[i] = 1;
    }
    memcpy(clq_verify_probe_before(work, 0), of_items, sizeof of_items);
    memcpy(clq_verify_probe_want(work, 2), of_items, sizeof of_items);
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    begin(&launch, machine, which >= MANY ? "probe_loops" : "probe_loop");
    launch.file = which >= MANY ? "probe_memory.cl" : "probe_loop.cl"; /* the second is what contexts ask with */
    for (uint32_t i = 0; i < 3; i++) {
        clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, i));
    }
    launch.global[0] = ITEMS;
    clq_cl_launch_groups_of_one(&launch, machine->stream.context);
    CLQ_TRY(clq_cl_launch_enqueue(&launch, &machine->stream, error));
    return clq_verify_probe_receive(machine, work, error);
}

static uint64_t element_bytes_of(const char *type)
{
    return strcmp(type, "uchar") == 0 ? 1 : strcmp(type, "ushort") == 0 ? 2 : strcmp(type, "ulong") == 0 ? 8 : 4;
}

/* `which` is the number of elements; above 100 they are stored without alignment, else loaded. */
clq_status clq_verify_probe_vectors(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_verify_probe *probe = work->item->of.probe.question;
    const int stores = probe->which > 100;
    const uint64_t n = probe->which % 100;
    const uint64_t bytes = element_bytes_of(probe->type);
    const uint64_t target = (stores ? n + 1 : n) * VECTORS * bytes;
    char kernel[48];
    unsigned char *want;
    const unsigned char *from;
    char type[48];
    clq_cl_launch launch;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_BYTE, (VECTORS * n + 4) * bytes, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_BYTE, target, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_words(work, 0, (VECTORS * n + 4) * bytes / 4);
    from = (const unsigned char *)clq_verify_probe_before(work, 0);
    want = (unsigned char *)clq_verify_probe_want(work, 1);
    for (uint64_t i = 0; i < VECTORS; i++) {
        memcpy(want + i * (stores ? n + 1 : n) * bytes, from + i * (stores ? n : 1) * bytes, (size_t)(n * bytes));
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    snprintf(kernel, sizeof kernel, "probe_%s_%s%u", stores ? "store" : "load", probe->type, (unsigned)n);
    snprintf(type, sizeof type, "-DPROBE_TYPE=%s", probe->type);
    begin(&launch, machine, kernel);
    clq_cl_launch_options(&launch, type);
    clq_cl_launch_i32(&launch, (int32_t)work->operands[0].offset_bytes);
    clq_cl_launch_i32(&launch, (int32_t)work->operands[1].offset_bytes);
    launch.global[0] = VECTORS;
    clq_cl_launch_groups_of_one(&launch, machine->stream.context);
    CLQ_TRY(clq_cl_launch_enqueue(&launch, &machine->stream, error));
    return clq_verify_probe_receive(machine, work, error);
}

/* ---- work-groups ---- */

/* What probe_tree leaves of the words of a group, which are changed. */
static uint32_t fold(uint32_t *words, uint32_t items)
{
    for (uint32_t left = items; left > 1;) {
        const uint32_t half_up = (left + 1) / 2;
        for (uint32_t i = 0; i + half_up < left; i++) {
            words[i] = words[i] * 31u + words[i + half_up];
        }
        left = half_up;
    }
    return words[0];
}

static void turn(uint32_t *words, uint32_t items)
{
    uint32_t before[256];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memcpy(before, words, items * sizeof *words);
        for (uint32_t i = 0; i < items; i++) {
            words[i] = before[(i + 1) % items] * 5u + round;
        }
    }
}

static clq_status require_group(const clq_cl_machine *machine, uint32_t items, clq_error *error)
{
    const struct clq_cl_state *cl = machine->stream.context->cl;
    const uint64_t most = clq_size_min(cl->maximum_group_size, cl->maximum_group_items[0]);
    return items <= most ? CLQ_OK
                         : clq_fail(error, CLQ_UNSUPPORTED, "work-groups of %u items are asked for, the device has %u",
                                    (unsigned)items, (unsigned)most);
}

static clq_status launch_groups(clq_cl_machine *machine, const clq_verify_work *work, const char *kernel,
                                uint32_t items, clq_error *error)
{
    clq_cl_launch launch;
    begin(&launch, machine, kernel);
    clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, 0));
    clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, 1));
    launch.global[0] = (size_t)GROUPS * items;
    launch.local[0] = items;
    return clq_cl_launch_enqueue(&launch, &machine->stream, error);
}

/* `which` is the number of items, above 1000 of a ring and else of a tree. */
clq_status clq_verify_probe_group(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const uint32_t which = work->item->of.probe.question->which;
    const uint32_t items = which % 1000;
    uint32_t *want;
    CLQ_TRY(require_group(machine, items, error));
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, (uint64_t)GROUPS * items, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, (uint64_t)GROUPS * (which > 1000 ? items : 1), 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_words(work, 0, (uint64_t)GROUPS * items);
    want = clq_verify_probe_want(work, 1);
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t words[256];
        memcpy(words, clq_verify_probe_before(work, 0) + (size_t)g * items, items * sizeof *words);
        if (which > 1000) {
            turn(words, items);
            memcpy(want + (size_t)g * items, words, items * sizeof *words);
        } else {
            want[g] = fold(words, items);
        }
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    CLQ_TRY(launch_groups(machine, work, which > 1000 ? "probe_ring" : "probe_tree", items, error));
    return clq_verify_probe_receive(machine, work, error);
}

/* ---- atomics ---- */

static void count_global(const uint32_t *words, uint32_t *want)
{
    for (uint32_t i = 0; i < ATOMIC_ITEMS; i++) {
        want[0]++;
        want[1] += words[i];
        want[2] = words[i] < want[2] ? words[i] : want[2];
        want[3] = words[i] > want[3] ? words[i] : want[3];
        want[4] ^= words[i];
        want[5 + words[i] % 11]++;
    }
}

static clq_status atomics_in_global_memory(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    clq_cl_launch launch;
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, ATOMIC_ITEMS, 0);
    (void)clq_verify_probe_operand(work, "counters", CLQ_VERIFY_U32, 16, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_words(work, 0, ATOMIC_ITEMS);
    fill_words(work, 1, 16);
    memcpy(clq_verify_probe_want(work, 1), clq_verify_probe_before(work, 1), 16 * sizeof(uint32_t));
    count_global(clq_verify_probe_before(work, 0), clq_verify_probe_want(work, 1));
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    begin(&launch, machine, "probe_atomic");
    clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, 0));
    clq_cl_launch_i32(&launch, (int32_t)clq_verify_probe_offset(work, 1));
    launch.global[0] = ATOMIC_ITEMS;
    CLQ_TRY(clq_cl_launch_enqueue(&launch, &machine->stream, error));
    return clq_verify_probe_receive(machine, work, error);
}

static clq_status atomics_in_local_memory(clq_cl_machine *machine, clq_verify_work *work, uint32_t items,
                                          clq_error *error)
{
    uint32_t *want;
    const uint64_t words_of_group = (uint64_t)LOCAL_ROUNDS * items;
    CLQ_TRY(require_group(machine, items, error));
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, GROUPS * words_of_group, 0);
    (void)clq_verify_probe_operand(work, "counters", CLQ_VERIFY_U32, (uint64_t)GROUPS * LOCAL_COUNTERS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_words(work, 0, GROUPS * words_of_group);
    want = clq_verify_probe_want(work, 1);
    memset(want, 0, sizeof *want * GROUPS * LOCAL_COUNTERS);
    for (uint64_t i = 0; i < GROUPS * words_of_group; i++) {
        want[i / words_of_group * LOCAL_COUNTERS + clq_verify_probe_before(work, 0)[i] % LOCAL_COUNTERS]++;
    }
    CLQ_TRY(clq_verify_probe_send(machine, work, error));
    CLQ_TRY(launch_groups(machine, work, "probe_atomic_local", items, error));
    return clq_verify_probe_receive(machine, work, error);
}

/* `which` is the number of items of a group with counters in local memory, 0: in global memory. */
clq_status clq_verify_probe_atomic(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const uint32_t items = work->item->of.probe.question->which;
    return items == 0 ? atomics_in_global_memory(machine, work, error)
                      : atomics_in_local_memory(machine, work, items, error);
}
