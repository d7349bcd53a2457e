/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of what the host and the device see of the same memory: their operands. */
#include <inttypes.h>
#include <string.h>

#include "opencl/runtime/context.h"
#include "opencl/runtime/error.h"
#include "verify/probe.h"

enum { WORDS = 5000 };

/* A source of random words, and what a step that adds `add` makes of it. */
static void fill_step(clq_verify_work *work, uint32_t source, uint32_t target, uint32_t add)
{
    for (size_t i = 0; i < WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, source)[i] = word;
        clq_verify_probe_want(work, target)[i] = 3 * word + add;
    }
}

/* ---- sub-buffers ---- */

/* At the least offset that the device allows, and at 3 times that. */
clq_status clq_verify_probe_sub_buffer(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_sub_buffer);
    cl_uint bits = 0;
    size_t origin;
    CLQ_CL(clGetDeviceInfo, machine->stream.context->cl->device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof bits, &bits,
           NULL);
    origin = (size_t)(work->item->of.probe.question->which) * (bits / 8 > 0 ? bits / 8 : 1);
    if (origin % 4 != 0) {
        return clq_fail(error, CLQ_UNSUPPORTED, "the device aligns to %u bits", (unsigned)bits);
    }
    (void)clq_verify_probe_operand(work, "memory", CLQ_VERIFY_U32, origin / 4 + WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t i = 0; i < origin / 4 + WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[i] = word;
        clq_verify_probe_want(work, 0)[i] = i < origin / 4 ? word : 3 * word + 1;
    }
    return clq_verify_run_plain(machine, work, &plain, WORDS, origin, error);
}

/* ---- large offsets ---- */

/* Beyond 4 GiB of one buffer, and what would be met at its beginning if the upper bits were lost. */
clq_status clq_verify_probe_far(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_far);
    const clq_device_info *device = &machine->stream.context->device;
    const uint64_t offset = 4 * ((UINT64_C(1) << 30) + 3);
    const uint64_t bytes = offset + 4 * (uint64_t)WORDS;
    clq_status status;
    CLQ_TRY(clq_verify_probe_require(machine, bytes, error));
    if (bytes > device->global_memory_bytes / 2 || bytes > SIZE_MAX) {
        return clq_fail(error, CLQ_UNSUPPORTED, "no buffer of more than 4 GiB fits well into the device's memory");
    }
    (void)clq_verify_probe_operand(work, "far", CLQ_VERIFY_U32, WORDS, 1);
    (void)clq_verify_probe_operand(work, "beginning", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (size_t i = 0; i < WORDS; i++) {
        const uint32_t word = clq_verify_probe_random(work);
        clq_verify_probe_before(work, 0)[i] = word;
        clq_verify_probe_want(work, 0)[i] = 3 * word + 7;
        clq_verify_probe_before(work, 1)[i] = clq_verify_probe_want(work, 1)[i] = ~word;
    }
    status = clq_verify_run_plain(machine, work, &plain, WORDS, offset, error);
    return status == CLQ_OK
               ? CLQ_OK
               : clq_fail_in(error, status, "a buffer of %" PRIu64 " bytes, the device's largest has %" PRIu64, bytes,
                             device->maximum_allocation_bytes);
}

/* ---- mappings ---- */

clq_status clq_verify_probe_map(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_map);
    static const char *const names[] = {"source 1", "target 1", "source 2", "target 2", "source 3", "target 3"};
    for (uint32_t i = 0; i < 6; i++) {
        (void)clq_verify_probe_operand(work, names[i], CLQ_VERIFY_U32, WORDS, i % 2 != 0);
    }
    CLQ_TRY(clq_verify_probe_arena(work, error));
    for (uint32_t round = 0; round < 3; round++) {
        fill_step(work, 2 * round, 2 * round + 1, round);
    }
    return clq_verify_run_plain(machine, work, &plain, WORDS, 0, error);
}

clq_status clq_verify_probe_host_memory(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_host_memory);
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_step(work, 0, 1, 9);
    return clq_verify_run_plain(machine, work, &plain, WORDS, 0, error);
}

/* ---- parts and copies ---- */

/* Reads and writes of every length and place up to 67 bytes. */
clq_status clq_verify_probe_offsets(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    enum { PARTS = 67, PITCH = PARTS + 13 };
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_parts);
    unsigned char *parts;
    unsigned char *want;
    (void)clq_verify_probe_operand(work, "parts", CLQ_VERIFY_BYTE, (uint64_t)PARTS * PITCH, 0);
    (void)clq_verify_probe_operand(work, "memory", CLQ_VERIFY_BYTE, (uint64_t)PARTS * PITCH, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    parts = (unsigned char *)clq_verify_probe_before(work, 0);
    want = (unsigned char *)clq_verify_probe_want(work, 1);
    for (size_t i = 0; i < PARTS; i++) {
        for (size_t k = 0; k < i + 1; k++) {
            parts[i * PITCH + k] = want[i * PITCH + i % 13 + k] = (unsigned char)clq_verify_probe_random(work);
        }
    }
    return clq_verify_run_plain(machine, work, &plain, WORDS, PARTS, error);
}

/* From one place of a buffer to another, at odd offsets, behind a kernel. */
clq_status clq_verify_probe_copy(clq_cl_machine *machine, clq_verify_work *work, clq_error *error)
{
    static const clq_verify_plain plain = CLQ_VERIFY_PLAIN(clq_plain_copy);
    (void)clq_verify_probe_operand(work, "source", CLQ_VERIFY_U32, WORDS, 0);
    (void)clq_verify_probe_operand(work, "target", CLQ_VERIFY_U32, WORDS, 1);
    (void)clq_verify_probe_operand(work, "copy", CLQ_VERIFY_BYTE, 4 * WORDS, 1);
    CLQ_TRY(clq_verify_probe_arena(work, error));
    fill_step(work, 0, 1, 5);
    memcpy((char *)clq_verify_probe_want(work, 2) + 5, (const char *)clq_verify_probe_want(work, 1) + 3,
           4 * WORDS - 11);
    return clq_verify_run_plain(machine, work, &plain, WORDS, 0, error);
}
