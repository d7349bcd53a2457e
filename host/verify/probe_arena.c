/* SPDX-License-Identifier: Apache-2.0 */
/* The arena of a probe, laid out as the trial's are: operands with guard bytes between. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/size.h"
#include "verify/probe.h"

enum { GUARD_BYTES = 64, GUARD = 0x5A };

uint32_t clq_verify_probe_operand(clq_verify_work *work, const char *name, int32_t element, uint64_t elements,
                                  int is_output)
{
    clq_verify_operand *o = &work->operands[work->operand_count];
    uint64_t at = GUARD_BYTES;
    if (work->operand_count > 0) {
        const clq_verify_operand *last = o - 1;
        at = last->offset_bytes + clq_verify_element_bytes(last->element, last->elements) + GUARD_BYTES;
        at = (at + CLQ_VERIFY_PROBE_ALIGNMENT - 1) / CLQ_VERIFY_PROBE_ALIGNMENT * CLQ_VERIFY_PROBE_ALIGNMENT;
    }
    memset(o, 0, sizeof *o);
    o->name = name;
    o->element = element;
    o->elements = elements;
    o->is_output = is_output;
    o->offset_bytes = at;
    o->columns = 1;
    return (uint32_t)work->operand_count++;
}

clq_status clq_verify_probe_arena(clq_verify_work *work, clq_error *error)
{
    const clq_verify_operand *last = &work->operands[work->operand_count - 1];
    const uint64_t bytes =
        last->offset_bytes + clq_verify_element_bytes(last->element, last->elements) + 2 * (uint64_t)GUARD_BYTES;
    clq_trial_arena *arena = &work->arena;
    arena->bytes = bytes / CLQ_VERIFY_PROBE_ALIGNMENT * CLQ_VERIFY_PROBE_ALIGNMENT;
    arena->before = malloc(3 * (size_t)arena->bytes);
    if (arena->before == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory for a probe");
    }
    arena->want = arena->before + arena->bytes;
    arena->got = arena->want + arena->bytes;
    memset(arena->before, GUARD, 3 * (size_t)arena->bytes);
    return CLQ_OK;
}

clq_status clq_verify_probe_require(const clq_cl_machine *machine, uint64_t bytes, clq_error *error)
{
    const uint64_t most = machine->stream.context->device.maximum_allocation_bytes;
    return bytes <= most
               ? CLQ_OK
               : clq_fail(error, CLQ_UNSUPPORTED,
                          "a buffer of %" PRIu64 " bytes is needed, the device's largest has %" PRIu64, bytes, most);
}

uint64_t clq_verify_probe_fit(const clq_cl_machine *machine, uint64_t wanted, uint64_t item_bytes, uint64_t operands)
{
    const uint64_t most = machine->stream.context->device.maximum_allocation_bytes;
    const uint64_t beside = (operands + 1) * (GUARD_BYTES + CLQ_VERIFY_PROBE_ALIGNMENT);
    const uint64_t fitting = (most - clq_size_min(beside, most)) / item_bytes / 4 * 4;
    return clq_size_min(wanted, clq_size_max(fitting, 4));
}

/* Offsets are multiples of 64, as is what malloc gives of 8 at least: words lie where words may. */
static uint32_t *words_at(unsigned char *arena, const clq_verify_operand *o)
{
    return (uint32_t *)(void *)(arena + o->offset_bytes);
}

uint32_t *clq_verify_probe_before(clq_verify_work *work, uint32_t operand)
{
    return words_at(work->arena.before, &work->operands[operand]);
}

uint32_t *clq_verify_probe_want(clq_verify_work *work, uint32_t operand)
{
    return words_at(work->arena.want, &work->operands[operand]);
}

uint32_t clq_verify_probe_offset(const clq_verify_work *work, uint32_t operand)
{
    return (uint32_t)(work->operands[operand].offset_bytes / 4);
}

uint32_t clq_verify_probe_random(clq_verify_work *work)
{
    const uint32_t high = clq_trial_random(&work->state) << 16;
    return high ^ clq_trial_random(&work->state);
}

void clq_verify_probe_keep_inputs(clq_verify_work *work)
{
    for (size_t i = 0; i < work->operand_count; i++) {
        const clq_verify_operand *o = &work->operands[i];
        if (!o->is_output) {
            memcpy(work->arena.want + o->offset_bytes, work->arena.before + o->offset_bytes,
                   (size_t)clq_verify_element_bytes(o->element, o->elements));
        }
    }
}

clq_status clq_verify_probe_send(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_trial_candidate candidate = clq_cl_machine_for_tasks(machine);
    void *memory = NULL;
    clq_verify_probe_keep_inputs(work);
    CLQ_TRY(candidate.reserve(machine, work->arena.bytes, &memory, error));
    return candidate.write(machine, work->arena.before, work->arena.bytes, error);
}

clq_status clq_verify_probe_receive(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    const clq_trial_candidate candidate = clq_cl_machine_for_tasks(machine);
    return candidate.read(machine, work->arena.got, work->arena.bytes, error);
}
