/* SPDX-License-Identifier: Apache-2.0 */
/* clq_file_compare: the error of one model file against another, tensor by tensor. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/float_mode.h"
#include "core/size.h"
#include "format/human.h"
#include "format/real.h"
#include "model/comparison.h"
#include "model/copy.h"
#include "model/dequantize_piece.h"
#include "model/report.h"
#include "model/stretches.h"
#include "stream/statistics.h"

/* Slots of a lane: as many as stages. */
enum { SLOTS = 3 };

/* What a piece holds. Those of the two files come in turn, of the same elements. */
enum { PIECE_BYTES = 0, PIECE_REAL = 1, PIECE_DEQUANTIZE = 2 };

typedef struct compare_run {
    clq_job job;
    clq_comparison comparison;
    clq_stretches stretches; /* pairs as a whole: the sums of their errors are made in the order of the elements */
    clq_lane_set lanes;
} compare_run;

/* A device at work. */
typedef struct compare_lane {
    clq_lane lane;
    compare_run *run;
    clq_statistics statistics; /* the last stage's: of the pair whose pieces come in */
} compare_lane;

static size_t index_in(const clq_pair *pair, size_t file)
{
    return file == CLQ_REFERENCE ? pair->reference : pair->test;
}

/* ---- the first stage: both files are read ---- */

static clq_status make_side(const compare_run *run, const clq_pair *pair, size_t file, clq_schedule_side *side,
                            clq_error *error)
{
    const clq_compared *compared = &run->comparison.files[file];
    const clq_model_tensor *tensor = &compared->model->tensors[index_in(pair, file)];
    const clq_quantized *quantized = clq_compared_quantized(compared, index_in(pair, file));
    if (pair->outcome == CLQ_FILE_SAME_BYTES ||
        pair->outcome == CLQ_FILE_OTHER_BYTES) { /* which a lane saw that failed */
        *side = clq_schedule_copy(PIECE_BYTES, tensor->bytes, 1);
    } else if (quantized == NULL) {
        *side = clq_schedule_copy(PIECE_REAL, tensor->elements, tensor->dtype.bits / 8);
    } else {
        CLQ_TRY(clq_dequantize_side(PIECE_DEQUANTIZE, quantized, CLQ_F32, side, error));
    }
    return CLQ_OK;
}

static clq_pair *pair_of(const compare_run *run, const clq_piece *piece)
{
    return &run->comparison.pairs[run->stretches.items[piece->tensor].item];
}

static clq_status next_pass(void *cookie, clq_pass *pass, int *there, clq_error *error)
{
    compare_lane *lane = cookie;
    const compare_run *run = lane->run;
    const clq_stretch *stretch = clq_stretches_claim(&run->stretches, &lane->lane, pass);
    *there = stretch != NULL;
    if (*there) {
        pass->sides = 2;
        for (size_t file = 0; file < 2; file++) {
            CLQ_TRY(make_side(run, &run->comparison.pairs[stretch->item], file, &pass->side[file], error));
        }
    }
    return CLQ_OK;
}

static clq_status read_piece(void *cookie, const clq_slot *slot, const clq_piece *piece, clq_error *error)
{
    const compare_run *run = ((const compare_lane *)cookie)->run;
    const clq_compared *compared = &run->comparison.files[piece->side];
    const size_t index = index_in(pair_of(run, piece), piece->side);
    uint8_t *memory = slot->memory + piece->real;
    if (piece->kind == PIECE_DEQUANTIZE) {
        return clq_dequantize_read(compared->model, clq_compared_quantized(compared, index), slot, piece, error);
    }
    return piece->kind == PIECE_BYTES
               ? clq_read_plain(compared->model, index, piece->chunk.first, piece->chunk.count, memory, error)
               : clq_model_read(compared->model, index, piece->chunk.first, piece->chunk.count, memory, error);
}

/* ---- the second: what is quantized becomes real ---- */

static clq_status dequantize_slot(void *lane, clq_slot *slot, clq_error *error)
{
    (void)lane;
    return clq_dequantize_slot(slot, 1u << PIECE_DEQUANTIZE, error);
}

/* ---- the third: statistics ---- */

/*
 * Both not a number, or the same infinity: equal. Not finite in any other way: a difference that no sum can hold, so it
 * is counted and stays out of the sums.
 */
static void settle_nonfinite(double *x, double *y, clq_statistics *statistics)
{
    if (!(isnan(*x) && isnan(*y)) && *x != *y) {
        statistics->differing += 1;
    }
    *x = 0.0;
    *y = 0.0;
}

static clq_real real_of(const compare_run *run, const clq_piece *piece)
{
    const clq_pair *pair = pair_of(run, piece);
    const clq_model *model = run->comparison.files[piece->side].model;
    return piece->kind == PIECE_DEQUANTIZE ? CLQ_REAL_F32
                                           : clq_file_real_of(&model->tensors[index_in(pair, piece->side)].dtype);
}

static void add_elements(compare_lane *lane, const clq_slot *slot, const clq_piece *reference, const clq_piece *test)
{
    enum { STEP = CLQ_STATISTICS_PIECE / 8 };
    const clq_real x_real = real_of(lane->run, reference);
    const clq_real y_real = real_of(lane->run, test);
    double x[STEP];
    double y[STEP];
    for (uint64_t done = 0; done < reference->chunk.count; done += STEP) {
        const size_t count = (size_t)clq_size_min(reference->chunk.count - done, STEP);
        int finite;
        clq_real_widen(x_real, slot->memory + reference->real, (size_t)done, count, x);
        clq_real_widen(y_real, slot->memory + test->real, (size_t)done, count, y);
        finite = clq_real_is_finite(x, count) && clq_real_is_finite(y, count);
        for (size_t i = 0; i < count && !finite; i++) {
            if (!isfinite(x[i]) || !isfinite(y[i])) {
                settle_nonfinite(&x[i], &y[i], &lane->statistics);
            }
        }
        clq_statistics_add(&lane->statistics, x, y, count);
    }
}

static clq_status report_pair(compare_run *run, const clq_pair *pair, clq_error *error)
{
    const clq_comparison *comparison = &run->comparison;
    clq_file_report *report = run->job.report;
    clq_file_tensor *tensor;
    CLQ_TRY(clq_report_add(report, clq_pair_name(comparison, pair), &tensor, error));
    tensor->outcome = pair->outcome;
    tensor->measured = pair->outcome == CLQ_FILE_COMPARED;
    tensor->errors = pair->errors;
    tensor->differing = pair->differing;
    for (size_t file = 0; file < 2; file++) {
        const clq_compared *compared = &comparison->files[file];
        const size_t index = index_in(pair, file);
        uint32_t rank;
        const uint64_t *shape;
        if (index != SIZE_MAX) {
            clq_compared_shape(compared, index, &rank, &shape);
            CLQ_TRY(clq_report_side(file == CLQ_REFERENCE ? &tensor->source : &tensor->target,
                                    clq_compared_type(compared, index), rank, shape,
                                    compared->model->tensors[index].bytes, error));
        }
    }
    report->processed_count += pair->outcome == CLQ_FILE_COMPARED;
    clq_report_keep(report);
    return CLQ_OK;
}

/* All pairs that are done, whoever did them when, in the order of the reference; after a failure too. */
static clq_status report_pairs(compare_run *run, clq_error *error)
{
    for (size_t i = 0; i < run->comparison.count; i++) {
        const clq_pair *pair = &run->comparison.pairs[i];
        CLQ_TRY(pair->left == 0 ? report_pair(run, pair, error) : CLQ_OK);
    }
    return CLQ_OK;
}

/* In bytes of the reference, whatever the type: what is seen after a piece, and was not before. */
static uint64_t seen_bytes(const clq_model_tensor *tensor, const clq_pair *pair, const clq_piece *piece)
{
    const uint64_t all = pair->outcome == CLQ_FILE_COMPARED ? tensor->elements : tensor->bytes;
    const double share = all > 0 ? (double)tensor->bytes / (double)all : 0.0;
    const uint64_t before = (uint64_t)((double)piece->chunk.first * share);
    return (piece->last ? tensor->bytes : (uint64_t)((double)(piece->chunk.first + piece->chunk.count) * share)) -
           before;
}

static void compare_pieces(compare_lane *lane, const clq_slot *slot, const clq_piece *reference, const clq_piece *test)
{
    compare_run *run = lane->run;
    clq_pair *pair = pair_of(run, reference);
    const clq_model_tensor *tensor = &run->comparison.files[CLQ_REFERENCE].model->tensors[pair->reference];
    if (reference->chunk.first == 0) {
        clq_statistics_init(&lane->statistics);
    }
    if (reference->kind != PIECE_BYTES) {
        add_elements(lane, slot, reference, test);
    } else if (memcmp(slot->memory + reference->real, slot->memory + test->real, (size_t)reference->real_bytes) != 0) {
        pair->outcome = CLQ_FILE_OTHER_BYTES;
    }
    clq_lane_step(&lane->lane, seen_bytes(tensor, pair, reference), tensor->name);
    if (!reference->last) {
        return;
    }
    if (pair->outcome == CLQ_FILE_COMPARED) {
        pair->errors = clq_statistics_result(&lane->statistics);
        pair->differing = lane->statistics.differing;
    }
    pair->left = 0;
    clq_lane_done(&lane->lane, reference->tensor);
}

static clq_status compare_slot(void *lane, clq_slot *slot, clq_error *error)
{
    (void)error;
    for (size_t i = 0; i + 1 < slot->count; i += 2) {
        compare_pieces(lane, slot, &slot->pieces[i], &slot->pieces[i + 1]);
    }
    return CLQ_OK;
}

/* ---- all of it ---- */

/* What is not finite on one side alone comes before all errors. */
static int is_worse(const clq_file_tensor *a, const clq_file_tensor *b)
{
    const int order = (a->differing == 0) - (b->differing == 0);
    return (order != 0 ? order : clq_errors_compare(&a->errors, &b->errors)) < 0;
}

static clq_status check_quality(const compare_run *run, clq_error *error)
{
    const clq_file_report *report = run->job.report;
    const clq_file_request *request = run->job.request;
    const clq_file_tensor *worst = NULL;
    size_t below = 0;
    char shown[200];
    char sqnr[32] = "-";
    for (size_t i = 0; request->has_minimum_sqnr && i < report->tensor_count; i++) {
        const clq_file_tensor *tensor = &report->tensors[i];
        /* Not "below": a tensor without a number fails too. */
        if (tensor->measured && !tensor->errors.exact &&
            (tensor->differing > 0 || !(tensor->errors.sqnr_db >= request->minimum_sqnr_db))) {
            below += 1;
            worst = worst == NULL || is_worse(tensor, worst) ? tensor : worst;
        }
    }
    if (worst == NULL) {
        return CLQ_OK;
    }
    clq_printable(shown, sizeof shown, worst->name, strlen(worst->name));
    if (worst->differing > 0) {
        return clq_fail(error, CLQ_REFUSED, "tensor '%s' is NaN or infinite where the other is not%s", shown,
                        clq_report_others_below(below).text);
    }
    if (isfinite(worst->errors.sqnr_db)) {
        snprintf(sqnr, sizeof sqnr, "%.2f dB", worst->errors.sqnr_db);
    }
    return clq_fail(error, CLQ_REFUSED, "tensor '%s' has an SQNR of %s, below the %g dB asked for%s", shown, sqnr,
                    request->minimum_sqnr_db, clq_report_others_below(below).text);
}

/* Two files of which no tensor goes with one of the other: of what they hold nothing can be said. */
static clq_status check_shared(const compare_run *run, clq_error *error)
{
    const clq_comparison *comparison = &run->comparison;
    const char *const paths[2] = {run->job.request->reference, run->job.request->input};
    const char *first[2] = {NULL, NULL};
    char path[2][300];
    char name[2][200];
    for (size_t file = 0; file < 2; file++) {
        clq_printable(path[file], sizeof path[file], paths[file], strlen(paths[file]));
        if (comparison->files[file].model->tensor_count == 0) {
            return clq_fail(error, CLQ_REFUSED, "%s holds no tensor, so nothing was compared", path[file]);
        }
    }
    for (size_t i = 0; i < comparison->count; i++) {
        const clq_pair *pair = &comparison->pairs[i];
        const size_t file = pair->reference != SIZE_MAX ? CLQ_REFERENCE : CLQ_TEST;
        if (pair->reference != SIZE_MAX && pair->test != SIZE_MAX) {
            return CLQ_OK;
        }
        first[file] = first[file] != NULL ? first[file] : clq_pair_name(comparison, pair);
    }
    for (size_t file = 0; file < 2; file++) {
        clq_printable(name[file], sizeof name[file], first[file], strlen(first[file]));
    }
    return clq_fail(error, CLQ_REFUSED,
                    "no tensor of %s is called like one of %s, so nothing was compared: the first are '%s' and '%s'",
                    path[CLQ_REFERENCE], path[CLQ_TEST], name[CLQ_REFERENCE], name[CLQ_TEST]);
}

static clq_status open_files(compare_run *run, clq_error *error)
{
    const clq_file_request *request = run->job.request;
    CLQ_REQUIRE(request->input != NULL && request->reference != NULL, "the request names no %s",
                request->reference == NULL ? "reference" : "input");
    for (size_t file = 0; file < 2; file++) {
        clq_compared *compared = &run->comparison.files[file];
        CLQ_TRY(clq_job_open_model(&run->job, file == CLQ_REFERENCE ? request->reference : request->input,
                                   &compared->model, error));
        CLQ_TRY(clq_quantized_scan(compared->model, request->known_group_size, &compared->list, error));
    }
    CLQ_TRY(clq_comparison_match(&run->comparison, error));
    CLQ_TRY(check_shared(run, error));
    return clq_comparison_share(&run->comparison, &run->job, error);
}

static clq_status hand_out(compare_run *run, clq_error *error)
{
    clq_comparison *comparison = &run->comparison;
    for (size_t i = 0; i < comparison->count; i++) {
        clq_pair *pair = &comparison->pairs[i];
        if (clq_pair_is_read(pair)) {
            const uint64_t bytes = comparison->files[CLQ_REFERENCE].model->tensors[pair->reference].bytes;
            pair->left = 1;
            CLQ_TRY(clq_stretches_add_whole(&run->stretches, i, bytes, error));
        }
    }
    return clq_stretches_hand_out(&run->stretches, &run->lanes, error);
}

static clq_status compare(compare_run *run, clq_error *error)
{
    static const clq_lane_verb VERB = {.sends = CLQ_SLOT_CODES | CLQ_SLOT_CHOSEN,
                                       .next = next_pass,
                                       .read = read_piece,
                                       .then = {dequantize_slot, compare_slot},
                                       .computes = {{CLQ_OP_DEQUANTIZE, 1u << PIECE_DEQUANTIZE}}};
    clq_status status;
    clq_status told;
    CLQ_TRY(hand_out(run, error));
    clq_lanes_progress(&run->lanes, clq_comparison_bytes(&run->comparison));
    status = clq_lanes_run(&run->lanes, &VERB, error);
    if (clq_job_is_part(&run->job) && status == CLQ_OK) {
        status = clq_comparison_merge(&run->comparison, &run->job, error);
        run->job.report->is_part_done = status == CLQ_OK;
    }
    told = clq_job_tells(&run->job) ? report_pairs(run, status == CLQ_OK ? error : NULL) : CLQ_OK;
    return status == CLQ_OK ? told : status;
}

static clq_status execute(compare_run *run, clq_error *error)
{
    CLQ_TRY(open_files(run, error));
    if (clq_comparison_needs_device(&run->comparison)) {
        CLQ_TRY(clq_job_need_devices(&run->job, error));
    }
    run->lanes = (clq_lane_set){.call = &run->job,
                                .lane_bytes = sizeof(compare_lane),
                                .slots = SLOTS,
                                .memory_bytes = run->job.request->memory_bytes,
                                /* 16 bits, codes of as many, and f32 of these */
                                .work_bytes = 4 * clq_comparison_bytes(&run->comparison)};
    CLQ_TRY(clq_lanes_begin(&run->lanes, error));
    for (size_t i = 0; i < run->lanes.count; i++) {
        ((compare_lane *)clq_lane_of(&run->lanes, i))->run = run;
    }
    CLQ_TRY(compare(run, error));
    return clq_job_tells(&run->job) ? check_quality(run, error) : CLQ_OK;
}

clq_status clq_file_compare(clq_context *context, const clq_file_request *request, const clq_file_events *events,
                            clq_file_report **report, clq_error *error)
{
    CLQ_OWN_FLOAT_MODE;
    compare_run run;
    clq_status status;
    memset(&run, 0, sizeof run);
    status = clq_job_begin(&run.job, "compare", context, request, events, error);
    if (status == CLQ_OK) {
        status = execute(&run, error);
    }
    clq_lanes_end(&run.lanes);
    clq_stretches_release(&run.stretches);
    clq_comparison_release(&run.comparison);
    return clq_job_end(&run.job, status, report);
}
