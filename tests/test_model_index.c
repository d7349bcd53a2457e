/* SPDX-License-Identifier: Apache-2.0 */
/* Sharded checkpoints: an index and its shards, through host/format/model.h. */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/model.h"
#include "scratch.h"

/* A shard with U8 tensors of 2 bytes each, named by the letters of `names`; their data is the letter. */
static const char *write_shard(const char *name, const char *names)
{
    char bytes[2000] = {0};
    size_t used = 8;
    const size_t count = strlen(names);
    used += (size_t)sprintf(bytes + used, "{\"__metadata__\":{\"shard\":\"%s\"}", name);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)sprintf(bytes + used, ",\"%c\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[%zu,%zu]}",
                                names[i], 2 * i, 2 * i + 2);
    }
    bytes[used++] = '}';
    bytes[0] = (char)((used - 8) & 0xFF);
    bytes[1] = (char)((used - 8) >> 8);
    for (size_t i = 0; i < count; i++) {
        bytes[used++] = names[i];
        bytes[used++] = names[i];
    }
    return scratch_write(name, bytes, used);
}

static const char *write_text(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

static const char *write_index(const char *text)
{
    return write_text("m.safetensors.index.json", text);
}

static clq_model *open_ok(const char *path)
{
    clq_model *model = NULL;
    clq_error error = {0};
    if (clq_model_open(path, &model, &error) != CLQ_OK) {
        fail_msg("%s", error.message);
    }
    return model;
}

static void open_bad(const char *path, clq_status status, const char *message)
{
    clq_model *model = NULL;
    clq_error error = {0};
    const clq_status got = clq_model_open(path, &model, &error);
    if (got != status || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
    assert_null(model);
}

static int setup(void **state)
{
    const int failed = scratch_begin(state);
    write_shard("1.st", "ab");
    write_shard("2.st", "cd");
    write_shard("dup.st", "b");
    write_shard("none.st", "");
    return failed;
}

#define ALL "\"a\":\"1.st\",\"b\":\"1.st\",\"c\":\"2.st\",\"d\":\"2.st\""

static void reads_a_sharded_model(void **state)
{
    clq_model *model = open_ok(write_index(" \n{\"metadata\": {\"total_size\": 8, \"more\": [1]}, \"weight_map\": "
                                           "{\"d\":\"2.st\",\"a\":\"1.st\",\"c\":\"2.st\","
                                           "\"b\":\"1.st\"}, \"x\": null} \n"));
    (void)state;
    assert_int_equal(model->kind, CLQ_MODEL_SHARDED);
    assert_int_equal(model->shard_count, 2);
    assert_string_equal(model->shards[0].file_name, "1.st");
    assert_string_equal(model->shards[1].file_name, "2.st");
    assert_string_equal(model->shards[1].path, scratch_path("2.st"));
    assert_string_equal(clq_model_metadata(model, 1, "shard"), "2.st");
    assert_string_equal(model->index_metadata, "{\"total_size\": 8, \"more\": [1]}");
    assert_null(model->warning);
    assert_int_equal(model->tensor_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        char data[2];
        assert_string_equal(model->tensors[i].name, name);
        assert_int_equal(model->tensors[i].shard, i / 2);
        assert_int_equal(clq_model_find(model, name), i);
        assert_int_equal(clq_model_read(model, i, 0, 2, data, NULL), CLQ_OK);
        assert_int_equal(data[0], name[0]);
        assert_int_equal(data[1], name[0]);
    }
    clq_model_close(&model);
}

static void refuses_bad_indexes(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"{", "m.safetensors.index.json: index, byte 1: a name in double quotes"},
        {"{}", "is JSON without a 'weight_map', so not an index of shards"},
        {"{\"metadata\":{}}", "is JSON without a 'weight_map'"},
        {"{\"weight_map\":{}}", "'weight_map' is empty"},
        {"{\"weight_map\":[]}", "an object is required, not an array"},
        {"{\"weight_map\":{" ALL "}} x", "the end of the text is required"},
        {"{\"weight_map\":{" ALL ",}}", "a name in double quotes is required"},
        {"{\"weight_map\":{" ALL "},\"weight_map\":{" ALL "}}", "'weight_map' stands twice"},
        {"{\"weight_map\":{" ALL ",\"a\":\"1.st\"}}", "tensor 'a' stands twice in weight_map"},
        {"{\"weight_map\":{\"\":\"1.st\"}}", "weight_map holds the name ''"},
        {"{\"weight_map\":{\"a\\u0000\":\"1.st\"}}", "weight_map holds the name 'a', which is empty or has a NUL"},
        /* values */
        {"{\"weight_map\":{\"a\":1}}", "puts tensor 'a' into something that is not a string"},
        {"{\"weight_map\":{\"a\":{\"file\":\"1.st\"}}}", "puts tensor 'a' into something that is not a string"},
        {"{\"weight_map\":{\"a\":null}}", "puts tensor 'a' into something that is not a string"},
        {"{\"weight_map\":{\"a\":\"\"}}", "puts tensor 'a' into '', which is not the plain name of a file"},
        {"{\"weight_map\":{\"a\":\".\"}}", "into '.', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "into '..', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"../1.st\"}}", "into '../1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"./1.st\"}}", "into './1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "into '/etc/passwd', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"sub//1.st\"}}", "into 'sub//1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"sub/../1.st\"}}", "into 'sub/../1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"sub/./1.st\"}}", "into 'sub/./1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"sub/\"}}", "into 'sub/', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"1.st\\u0000x\"}}", "into '1.st', which is not the plain name"},
        {"{\"weight_map\":{\"a\":\"\\u001b[2J/\"}}", "into '\\x1b[2J/', which is not the plain name"},
        /* both ways */
        {"{\"weight_map\":{" ALL ",\"ghost\":\"2.st\"}}", "puts tensor 'ghost' into '2.st', which does not hold it"},
        {"{\"weight_map\":{" ALL ",\"ghost\":\"none.st\"}}",
         "puts tensor 'ghost' into 'none.st', which does not hold it"},
        {"{\"weight_map\":{\"a\":\"1.st\"}}", "tensor 'b' of shard '1.st' is missing in weight_map"},
        {"{\"weight_map\":{\"a\":\"1.st\",\"b\":\"2.st\",\"c\":\"2.st\",\"d\":\"2.st\"}}",
         "puts tensor 'b' into '2.st', but it is in '1.st'"},
        {"{\"weight_map\":{\"a\":\"1.st\",\"b\":\"dup.st\"}}", "dup.st: tensor 'b': is in shard '1.st' as well"},
        /* metadata */
        {"{\"metadata\":[],\"weight_map\":{" ALL "}}", "an object is required, not an array"},
        {"{\"metadata\":{},\"metadata\":{},\"weight_map\":{" ALL "}}", "'metadata' stands twice"},
        {"{\"metadata\":{\"total_size\":\"8\"},\"weight_map\":{" ALL "}}", "'total_size' is not a number"},
        {"{\"metadata\":{\"total_size\":null},\"weight_map\":{" ALL "}}", "'total_size' is not a number"},
        {"{\"metadata\":{\"total_size\":8,\"total_size\":8},\"weight_map\":{" ALL "}}", "'total_size' stands twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_bad(write_index(cases[i].text), CLQ_BAD_FILE, cases[i].message);
    }
}

static void names_the_shard_that_is_bad(void **state)
{
    (void)state;
    open_bad(write_index("{\"weight_map\":{\"a\":\"gone.st\"}}"), CLQ_IO_ERROR,
             "m.safetensors.index.json: shard 'gone.st' cannot be opened: No such file or directory");
    assert_int_equal(mkdir(scratch_path("folder.st"), 0700), 0);
    open_bad(write_index("{\"weight_map\":{\"a\":\"folder.st\"}}"), CLQ_BAD_FILE, "folder.st: is a folder");
    scratch_write("cut.st", "\x40\0\0\0\0\0\0\0{}", 10);
    open_bad(write_index("{\"weight_map\":{\"a\":\"cut.st\"}}"), CLQ_BAD_FILE,
             "cut.st: the header length is 64, but only 2");
    /* An index is no shard. */
    open_bad(write_index("{\"weight_map\":{\"a\":\"m.safetensors.index.json\"}}"), CLQ_BAD_FILE,
             "the header length is");
}

static void warns_of_a_wrong_total(void **state)
{
    static const char *const totals[] = {"9", "8.5", "1e300", "-8"};
    clq_model *model = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        char text[300];
        snprintf(text, sizeof text, "{\"metadata\":{\"total_size\":%s},\"weight_map\":{" ALL "}}", totals[i]);
        model = open_ok(write_index(text));
        assert_non_null(model->warning);
        if (i == 0) {
            assert_non_null(
                strstr(model->warning, ".json: the index gives a total_size of 9, but the tensors hold 8 bytes"));
        }
        clq_model_close(&model);
    }
    model = open_ok(write_index("{\"metadata\":{\"total_size\":8.0},\"weight_map\":{" ALL "}}"));
    assert_null(model->warning);
    clq_model_close(&model);
    model = open_ok(write_index("{\"weight_map\":{" ALL "}}"));
    assert_null(model->warning);
    assert_null(model->index_metadata);
    clq_model_close(&model);
}

static void follows_links_within_the_folder_only(void **state)
{
    clq_model *model = NULL;
    char outside[600];
    (void)state;
    /* The folder of the index is a sub-folder here, and its parent is outside. */
    assert_int_equal(mkdir(scratch_path("model"), 0700), 0);
    assert_int_equal(mkdir(scratch_path("model-beside"), 0700), 0);
    write_shard("model-beside/1.st", "ab");
    write_shard("model/real.st", "cd");
    assert_int_equal(symlink("real.st", scratch_path("model/2.st")), 0);
    write_text("model/i.json", "{\"weight_map\":{\"c\":\"2.st\",\"d\":\"2.st\"}}");
    model = open_ok(scratch_path("model/i.json"));
    assert_string_equal(model->shards[0].file_name, "2.st");
    clq_model_close(&model);

    /* A path that only begins like the folder is outside as well. */
    assert_int_equal(symlink("../model-beside/1.st", scratch_path("model/1.st")), 0);
    write_text("model/i.json", "{\"weight_map\":{\"a\":\"1.st\",\"b\":\"1.st\"}}");
    snprintf(outside, sizeof outside, "shard '1.st' is a symbolic link that leads out of the folder, to '%s'",
             scratch_path("model-beside/1.st"));
    open_bad(scratch_path("model/i.json"), CLQ_BAD_FILE, outside);

    /* The folder itself may be reached through a link, and by a path relative to it. */
    assert_int_equal(symlink("model", scratch_path("link")), 0);
    write_text("model/i.json", "{\"weight_map\":{\"c\":\"2.st\",\"d\":\"2.st\"}}");
    model = open_ok(scratch_path("link/i.json"));
    clq_model_close(&model);
    assert_int_equal(chdir(scratch_path("model")), 0);
    model = open_ok("i.json");
    assert_string_equal(model->shards[0].path, "2.st");
    clq_model_close(&model);
    assert_int_equal(chdir("/"), 0);
}

static void refuses_all_of_its_files_as_output(void **state)
{
    clq_model *model = open_ok(write_index("{\"weight_map\":{" ALL "}}"));
    (void)state;
    assert_int_equal(clq_model_refuse_output(model, scratch_path("1.st"), NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_refuse_output(model, scratch_path("2.st"), NULL), CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_refuse_output(model, scratch_path("m.safetensors.index.json"), NULL),
                     CLQ_INVALID_ARGUMENT);
    assert_int_equal(clq_model_refuse_output(model, scratch_path("dup.st"), NULL), CLQ_OK);
    clq_model_close(&model);
}

static void refuses_an_index_over_the_limit(void **state)
{
    const char *path = write_index("{\"weight_map\":{}}");
    (void)state;
    assert_int_equal(truncate(path, 100000001), 0);
    open_bad(path, CLQ_BAD_FILE, "the index has 100000001 bytes; at most 100000000 are read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_sharded_model),
        cmocka_unit_test(refuses_bad_indexes),
        cmocka_unit_test(names_the_shard_that_is_bad),
        cmocka_unit_test(warns_of_a_wrong_total),
        cmocka_unit_test(follows_links_within_the_folder_only),
        cmocka_unit_test(refuses_all_of_its_files_as_output),
        cmocka_unit_test(refuses_an_index_over_the_limit),
    };
    return cmocka_run_group_tests_name("model_index", tests, setup, scratch_end);
}
