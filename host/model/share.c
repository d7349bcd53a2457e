/* SPDX-License-Identifier: Apache-2.0 */
#include "model/share.h"

#include <stdlib.h>
#include <string.h>

#include "core/size.h"

/* Numbers that are sent at once: what all parts wait for together is worth waiting, and needs little memory. */
enum { AT_ONCE = 1 << 20 };

/* ---- who does what ---- */

int clq_job_is_part(const clq_job *job)
{
    return job->request->parts > 0;
}

int clq_job_tells(const clq_job *job)
{
    return job->request->part <= 1;
}

/* Before anything else is sent: other headers would be other lists. */
static clq_status check_alike(const clq_job *job, clq_error *error)
{
    uint64_t hashes[2] = {job->inputs_hash, ~job->inputs_hash};
    CLQ_TRY(clq_job_greatest(job, hashes, 2, error));
    CLQ_REQUIRE(hashes[0] == ~hashes[1], "%s: the parts see files of one name with different tensors",
                job->progress.operation);
    return CLQ_OK;
}

clq_status clq_share_begin(clq_share *share, const clq_job *job, uint64_t all_bytes, clq_error *error)
{
    const clq_file_request *request = job->request;
    CLQ_REQUIRE((request->part == 0) == (request->parts == 0) && request->part <= request->parts,
                "part %u of %u: required is a number from 1 to that of all", (unsigned)request->part,
                (unsigned)request->parts);
    CLQ_REQUIRE(request->parts == 0 || job->events.reduce != NULL,
                "%s: parts tell each other what they find, and there is no events->reduce", job->progress.operation);
    CLQ_TRY(check_alike(job, error));
    *share = (clq_share){request->parts > 0 ? request->part - 1 : 0, clq_job_is_part(job) ? request->parts : 1,
                         all_bytes, 0};
    return CLQ_OK;
}

/* The number of the part times all, over the parts, without overflow: parts * (parts + 1) is below 2^64. */
uint64_t clq_share_start(uint64_t all_bytes, uint32_t parts, uint32_t part)
{
    return all_bytes / parts * part + all_bytes % parts * part / parts;
}

/* Elements of an item before a place in the list: none or all where that is not within. */
static uint64_t elements_before(const clq_share *share, uint32_t part, uint64_t elements, uint64_t bytes)
{
    const uint64_t start = clq_share_start(share->all, share->parts, part);
    const uint64_t steps = clq_size_divide_up(elements, CLQ_SHARE_ELEMENTS);
    const uint64_t step = steps > 0 ? clq_size_max(bytes / steps, 1) : 1;
    if (part == share->parts || start >= share->before + bytes) {
        return elements;
    }
    return start <= share->before ? 0 : clq_size_min((start - share->before) / step * CLQ_SHARE_ELEMENTS, elements);
}

clq_window clq_share_cut(clq_share *share, uint64_t elements, uint64_t bytes)
{
    const uint64_t first = elements_before(share, share->part, elements, bytes);
    const uint64_t end = elements_before(share, share->part + 1, elements, bytes);
    share->before += bytes;
    return (clq_window){first, end - first};
}

int clq_share_takes(clq_share *share, uint64_t bytes)
{
    const uint64_t middle = share->before + bytes / 2;
    share->before += bytes;
    return (share->part == 0 || middle >= clq_share_start(share->all, share->parts, share->part)) &&
           (share->part + 1 == share->parts || middle < clq_share_start(share->all, share->parts, share->part + 1));
}

/* ---- what is found ---- */

static clq_status reduce(const clq_job *job, clq_reduction how, uint64_t *numbers, uint64_t count, clq_error *error)
{
    const int speaks = clq_job_is_part(job) && job->events.reduce != NULL; /* a part of quantize may be alone */
    for (uint64_t done = 0; speaks && done < count; done += AT_ONCE) {
        const size_t some = (size_t)clq_size_min(count - done, AT_ONCE);
        CLQ_TRY(job->events.reduce(job->events.cookie, how, numbers + done, some, error));
    }
    return CLQ_OK;
}

clq_status clq_job_sum(const clq_job *job, uint64_t *numbers, uint64_t count, clq_error *error)
{
    return reduce(job, CLQ_REDUCE_SUM, numbers, count, error);
}

clq_status clq_job_greatest(const clq_job *job, uint64_t *numbers, uint64_t count, clq_error *error)
{
    return reduce(job, CLQ_REDUCE_GREATEST, numbers, count, error);
}

clq_status clq_job_wait(const clq_job *job, clq_error *error)
{
    uint64_t nothing = 0;
    return clq_job_sum(job, &nothing, 1, error);
}

/* Floats as numbers that are ordered like them: those below zero with all bits turned over, the others above them. */
static uint32_t order_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 != 0 ? ~bits : bits | UINT32_C(1) << 31;
}

static float float_of(uint32_t order)
{
    const uint32_t bits = order >> 31 != 0 ? order & ~(UINT32_C(1) << 31) : ~order;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

clq_status clq_job_merge_ranges(const clq_job *job, float *ranges, uint64_t count, clq_error *error)
{
    enum { PAIRS = AT_ONCE / 2 };
    clq_status status = CLQ_OK;
    uint64_t *numbers = NULL;
    if (!clq_job_is_part(job)) {
        return CLQ_OK;
    }
    numbers = malloc((size_t)clq_size_min(count, PAIRS) * 2 * sizeof *numbers + 1);
    if (numbers == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to merge ranges");
    }
    for (uint64_t done = 0; done < count; done += PAIRS) {
        const uint64_t some = clq_size_min(count - done, PAIRS);
        float *now = ranges + 2 * done;
        for (uint64_t i = 0; i < some; i++) {
            numbers[2 * i] = UINT32_MAX - order_of(now[2 * i]); /* the least is the greatest of these */
            numbers[2 * i + 1] = order_of(now[2 * i + 1]);
        }
        CLQ_TRY_TO(clq_job_greatest(job, numbers, 2 * some, error));
        for (uint64_t i = 0; i < some; i++) {
            now[2 * i] = float_of((uint32_t)(UINT32_MAX - numbers[2 * i]));
            now[2 * i + 1] = float_of((uint32_t)numbers[2 * i + 1]);
        }
    }
done:
    free(numbers);
    return status;
}

clq_status clq_job_merge_nonfinite(const clq_job *job, clq_nonfinite *nonfinite, size_t count, clq_error *error)
{
    clq_status status = CLQ_OK;
    uint64_t *numbers = NULL;
    if (!clq_job_is_part(job)) {
        return CLQ_OK;
    }
    numbers = malloc((count + 1) * 2 * sizeof *numbers);
    if (numbers == NULL) {
        return clq_fail(error, CLQ_OUT_OF_MEMORY, "no memory to merge counts");
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = nonfinite[i].count;
        numbers[count + i] = UINT64_MAX - nonfinite[i].first_index; /* the first is the greatest of these */
    }
    CLQ_TRY_TO(clq_job_sum(job, numbers, count, error));
    CLQ_TRY_TO(clq_job_greatest(job, numbers + count, count, error));
    for (size_t i = 0; i < count; i++) {
        nonfinite[i] = (clq_nonfinite){numbers[i], UINT64_MAX - numbers[count + i]};
    }
done:
    free(numbers);
    return status;
}

clq_status clq_job_share_seed(clq_job *job, clq_error *error)
{
    uint64_t seed = clq_job_tells(job) ? job->check.seed : 0;
    CLQ_TRY(clq_job_sum(job, &seed, 1, error));
    job->check.seed = job->check.mode == CLQ_CHECK_SAMPLE && seed != 0 ? seed : job->check.seed;
    return CLQ_OK;
}

clq_status clq_job_merge_check(clq_job *job, clq_error *error)
{
    clq_check *check = &job->check;
    uint64_t numbers[4] = {check->values, check->blocks, check->bounded, check->pieces};
    CLQ_TRY(clq_job_sum(job, numbers, 4, error));
    check->values = numbers[0];
    check->blocks = numbers[1];
    check->bounded = numbers[2];
    check->pieces = numbers[3];
    return CLQ_OK;
}
