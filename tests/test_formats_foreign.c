/* SPDX-License-Identifier: Apache-2.0 */
/* pack-quantized files that others made: read, or refused where their tensors do not fit together. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "format_files.h"
#include "refusal.h"
#include "scratch.h"

static clq_status dequantize(const char *path, clq_error *error)
{
    clq_file_request request = formats_request(path, CLQ_FORMAT_BY_OUTPUT);
    request.output = scratch_path("back.safetensors");
    return clq_file_dequantize(check_reference(), &request, NULL, NULL, error);
}

static void files_of_others_are_read(void **state)
{
    static const weights EACH[] = {{"m", 9, 64, 32, 4, 1, 0}, {"m", 5, 7, EVERY_ROW, 8, 0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        parts have = {.count = 0};
        parts want = {.count = 0};
        clq_error error;
        parts_add_pack(&have, &EACH[i]);
        parts_add_real(&want, &EACH[i]);
        check_ok(dequantize(parts_write("theirs.safetensors", &have), &error), &error, "dequantize");
        parts_check_file(scratch_path("back.safetensors"), &want);
        parts_release(&have);
        parts_release(&want);
    }
}

static void no_shape(parts *p)
{
    snprintf(p->items[2].name, sizeof p->items[2].name, "elsewhere");
}
static void other_rows(parts *p)
{
    p->items[2].bytes[0]++;
}
static void other_columns(parts *p)
{
    p->items[2].bytes[8] = 100;
}
static void negative_shape(parts *p)
{
    memset(p->items[2].bytes + 8, 0xff, 8);
}
static void short_zero_points(parts *p)
{
    p->items[3].shape[0]--;
    p->items[3].count = p->items[3].shape[0] * p->items[3].shape[1] * 4;
}
static void own_order(parts *p)
{
    parts_add_plain(p, "m.weight_g_idx", "I32", 1, 64, 0);
}
static void both_names(parts *p)
{
    parts_add_plain(p, "m.weight", "F32", 2, 9, 64);
}

static void files_that_do_not_fit_together_are_refused(void **state)
{
    static const weights W = {"m", 9, 64, 32, 4, 1, 0};
    static const weights NARROW = {"m", 9, 4, EVERY_ROW, 4, 0, 0};
    static const struct {
        void (*change)(parts *p);
        const char *part; /* NULL: it is none of these, and copied */
    } EACH[] = {
        {no_shape, NULL},
        {other_rows, "the shape beside it has other rows"},
        {other_columns, "its rows hold codes of neither 4 nor 8 bits"},
        {negative_shape, "the shape beside it has other rows"},
        {short_zero_points, "the zero points of such rows are words with a column for each scale of a row"},
        {own_order, "columns in an order of their own (_g_idx) are not supported"},
        {both_names, "the file holds the tensor under its real name as well"},
    };
    parts narrow = {.count = 0};
    clq_error error;
    (void)state;
    for (size_t i = 0; i < sizeof EACH / sizeof EACH[0]; i++) {
        parts have = {.count = 0};
        const char *path;
        parts_add_pack(&have, &W);
        EACH[i].change(&have);
        path = parts_write("theirs.safetensors", &have);
        if (EACH[i].part != NULL) {
            REFUSED(CLQ_BAD_FILE, EACH[i].part, dequantize(path, e));
        } else {
            check_ok(dequantize(path, &error), &error, "dequantize");
            parts_check_file(scratch_path("back.safetensors"), &have);
        }
        parts_release(&have);
    }
    parts_add_pack(&narrow, &NARROW);
    REFUSED(CLQ_BAD_FILE, "its rows are so short that codes of 4 and of 8 bits could be meant",
            dequantize(parts_write("theirs.safetensors", &narrow), e));
    parts_release(&narrow);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(files_of_others_are_read),
    cmocka_unit_test(files_that_do_not_fit_together_are_refused),
};

int main(void)
{
    int code;
    scratch_begin(NULL);
    code = check_main("formats_foreign", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
