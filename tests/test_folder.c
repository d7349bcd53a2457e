/* SPDX-License-Identifier: Apache-2.0 */
/* Folders as inputs and outputs of <clquant/files.h>: which file is the model, what is copied, what is refused. */
#define _XOPEN_SOURCE 700

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder_tree.h"
#include "format/file.h"
#include "format/model.h"
#include "format/output_path.h"
#include "scratch.h"

#define CONFIG "{\n  \"hidden\": 16\n}\n"

static char warnings[4000];

static void take_message(void *cookie, clq_log_level level, const char *message)
{
    const size_t used = strlen(warnings);
    (void)cookie;
    if (level == CLQ_LOG_WARNING) {
        snprintf(warnings + used, sizeof warnings - used, "%s\n", message);
    }
}

static clq_file_request request_of(const char *in, const char *out)
{
    clq_file_request request;
    clq_file_request_init(&request);
    request.input = scratch_path(in);
    request.output = scratch_path(out);
    return request;
}

static clq_status call(const clq_file_request *request, int back, clq_file_report **report, clq_error *error)
{
    const clq_file_events events = {.struct_size = sizeof events, .message = take_message};
    warnings[0] = '\0';
    return back ? clq_file_dequantize(check_reference(), request, &events, report, error)
                : clq_file_quantize(check_reference(), request, &events, report, error);
}

static void succeeds(const clq_file_request *request, int back)
{
    clq_error error = {0};
    if (call(request, back, NULL, &error) != CLQ_OK) {
        fail_msg("%s: %s", request->input, error.message);
    }
}

static void refuses(const clq_file_request *request, clq_status status, const char *message)
{
    clq_error error = {0};
    const clq_status got = call(request, 0, NULL, &error);
    if (got != status || strstr(error.message, message) == NULL || strchr(error.message, '\n') != NULL) {
        fail_msg("status %d (expected %d), message '%s', expected '%s'", (int)got, (int)status, error.message, message);
    }
}

static void text_is(const char *path, const char *want)
{
    size_t length = 0;
    char *got = scratch_read(scratch_path(path), &length);
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
}

static void link_to(const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(name)), 0);
}

static void write_index(const char *path, const char *file)
{
    char text[400];
    snprintf(text, sizeof text, "{\"weight_map\": {\"a.weight\": \"%s\", \"a.bias\": \"%s\"}}", file, file);
    tree_write(path, text);
}

static void begin(void)
{
    scratch_begin(NULL);
    tree_weights("in/model.safetensors", "ab");
    tree_write("in/config.json", CONFIG);
    tree_write("in/tokenizer.json", "words\n");
}

/* ---- which file is the model ---- */

/* A folder with these files, each a model of the letter a, or an index of the file named after it. */
static void make(const char *const *files, size_t count)
{
    scratch_remove(scratch_path("made"));
    mkdir(scratch_path("made"), 0777);
    for (size_t i = 0; i < count && files[i] != NULL; i++) {
        char name[300];
        const char *colon = strchr(files[i], ':');
        snprintf(name, sizeof name, "made/%.*s", colon != NULL ? (int)(colon - files[i]) : 200, files[i]);
        if (colon != NULL) {
            write_index(name, colon + 1);
        } else {
            tree_weights(name, "a");
        }
    }
}

static void finds_the_model(void **state)
{
    static const struct {
        const char *files[5];
        const char *model, *warning;
    } FOUND[] = {
        {{"model.safetensors"}, "model.safetensors", NULL},
        {{"other.safetensors"}, "other.safetensors", NULL},
        {{"model.safetensors", "consolidated.safetensors", ".x.gguf"},
         "model.safetensors",
         "the model is model.safetensors; beside it, and not read: consolidated.safetensors"},
        {{"model.safetensors", "model.safetensors.index.json:model.safetensors"}, "model.safetensors.index.json", NULL},
        {{"model.safetensors", "a.safetensors.index.json:model.safetensors", "b.safetensors"},
         "a.safetensors.index.json",
         "not read: b.safetensors"},
        {{"x.gguf"}, "x.gguf", NULL},
        {{"model.safetensors.index.json:s.safetensors", "s.safetensors"}, "model.safetensors.index.json", NULL},
        {{"model.safetensors.index.json:sub/s.safetensors", "sub/s.safetensors"}, "model.safetensors.index.json", NULL},
        {{"net.safetensors.index.json:s.safetensors", "s.safetensors", "consolidated.safetensors"},
         "net.safetensors.index.json",
         "not read: consolidated.safetensors"},
        {{"other.safetensors", "._other.safetensors", "model.bin"}, "other.safetensors", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof FOUND / sizeof FOUND[0]; i++) {
        clq_model *model = NULL;
        clq_error error = {0};
        char path[300];
        make(FOUND[i].files, 5);
        if (clq_model_open_from(scratch_path("made"), CLQ_OPEN_FOLDERS, &model, &error) != CLQ_OK) {
            fail_msg("case %zu: %s", i, error.message);
        }
        snprintf(path, sizeof path, "made/%s", FOUND[i].model);
        assert_string_equal(model->path, scratch_path(path));
        assert_string_equal(model->folder, scratch_path("made"));
        if (FOUND[i].warning == NULL) {
            assert_null(model->warning);
        } else {
            assert_non_null(model->warning);
            assert_non_null(strstr(model->warning, FOUND[i].warning));
        }
        clq_model_close(&model);
    }
}

static void refuses_folders_without_one_model(void **state)
{
    static const struct {
        const char *files[4];
        const char *message;
    } REFUSED[] = {
        {{NULL},
         "made: the folder holds no model: required is model.safetensors, an index NAME.safetensors.index.json "
         "with its shards, one other .safetensors or one .gguf"},
        {{"pytorch_model.bin", "x.pth"},
         "; it has only pytorch_model.bin, x.pth; weights in other formats are to be saved as safetensors first"},
        {{"a.safetensors", "b.safetensors"},
         "made: the folder holds several models: a.safetensors, b.safetensors; name"},
        {{"a.safetensors", "b.gguf"}, "several models: a.safetensors, b.gguf"},
        {{"a.safetensors.index.json:x", "b.safetensors.index.json:y", "x"},
         "several models: a.safetensors.index.json, b.safetensors.index.json"},
        {{"model.safetensors.index.json:x", "b.safetensors.index.json:y"},
         "several models: b.safetensors.index.json, model.safetensors.index.json"},
        {{"model.safetensors", "x.gguf", "b.safetensors"}, "several models: model.safetensors, x.gguf; name"},
        {{"model.safetensors", "model.safetensors.index.json:s.safetensors", "s.safetensors"},
         "several models: model.safetensors, model.safetensors.index.json; name"},
        {{"model.safetensors", "b.safetensors.index.json:gone.safetensors"},
         "several models: b.safetensors.index.json, model.safetensors; name"},
        {{"model.safetensors", "model.safetensors.index.json:model.safetensors", "x.gguf"},
         "several models: model.safetensors.index.json, x.gguf; name"},
        {{"model.safetensors", "a.safetensors.index.json:model.safetensors", "b.safetensors.index.json:x"},
         "several models: a.safetensors.index.json, b.safetensors.index.json; name"},
        {{"model.safetensors.index.json:s.safetensors", "s.safetensors", "x.gguf"},
         "several models: model.safetensors.index.json, x.gguf; name"},
        {{"x.gguf", "y.gguf"}, "several models: x.gguf, y.gguf; name"},
        {{"blobs/x", "snapshots/r/model.safetensors"}, "; the models of a cache are the folders in its snapshots"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        const clq_file_request request = request_of("made", "out");
        make(REFUSED[i].files, 4);
        refuses(&request, CLQ_BAD_FILE, REFUSED[i].message);
        assert_false(tree_has(".", "out"));
    }
}

/* ---- links ---- */

static void reads_a_snapshot_of_a_cache(void **state)
{
    clq_file_request request = request_of("hub/snapshots/r1", "cached");
    (void)state;
    tree_weights("hub/blobs/11", "a");
    tree_write("hub/blobs/22",
               "{\"weight_map\": {\"a.weight\": \"one.safetensors\", \"a.bias\": \"one.safetensors\"}}");
    tree_write("hub/blobs/33", CONFIG);
    tree_write("hub/snapshots/r1/sub/x", "x");
    link_to("../../blobs/11", "hub/snapshots/r1/one.safetensors");
    link_to("../../blobs/22", "hub/snapshots/r1/model.safetensors.index.json");
    link_to("../../blobs/33", "hub/snapshots/r1/config.json");
    link_to("../../../blobs/33", "hub/snapshots/r1/sub/config.json");
    succeeds(&request, 0);
    text_is("cached/sub/config.json", CONFIG);
    assert_true(tree_has("cached", "one.safetensors") && tree_has("cached", "model.safetensors.index.json"));
    /* Nothing is written through such links, by whatever name. */
    request = request_of("in", "hub/snapshots/r1/one.safetensors");
    request.replace = 1;
    refuses(&request, CLQ_INVALID_ARGUMENT,
            "is a link to a blob of a Hugging Face cache, which is never written through");
    {
        clq_writer *writer = NULL;
        clq_error error = {0};
        assert_int_equal(clq_writer_open(request.output, 0, 1, &writer, &error), CLQ_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "is a link to a blob of a Hugging Face cache"));
        assert_null(writer);
    }
    request = request_of("in", "hub/snapshots/r1");
    request.replace = 1;
    refuses(&request, CLQ_INVALID_ARGUMENT, "is a link, and nothing in the folder of an output is written through one");
    scratch_remove(scratch_path("cached"));
}

static void links_elsewhere_need_to_be_asked_for(void **state)
{
    clq_file_request request = request_of("linked", "out");
    char message[400];
    (void)state;
    tree_weights("elsewhere/model.safetensors", "a");
    tree_write("elsewhere/words", "words\n");
    mkdir(scratch_path("linked"), 0777);
    link_to("../elsewhere/model.safetensors", "linked/model.safetensors");
    snprintf(message, sizeof message,
             "linked/model.safetensors: is a symbolic link that leads out of the folder, to '%s'",
             scratch_path("elsewhere/model.safetensors"));
    refuses(&request, CLQ_BAD_FILE, message);
    unlink(scratch_path("linked/model.safetensors"));
    tree_weights("linked/model.safetensors", "a");
    link_to("../elsewhere/words", "linked/words");
    refuses(&request, CLQ_BAD_FILE, "linked/words: is a symbolic link that leads out of the folder");
    assert_false(tree_has(".", "out"));
    request.follow_links = 1;
    succeeds(&request, 0);
    text_is("out/words", "words\n");
    scratch_remove(scratch_path("out"));
    /* Blobs of another cache, and a folder called blobs without a snapshot, are elsewhere. */
    request.follow_links = 0;
    unlink(scratch_path("linked/words"));
    tree_write("blobs/1", "x");
    link_to("../blobs/1", "linked/words");
    refuses(&request, CLQ_BAD_FILE, "leads out of the folder");
    unlink(scratch_path("linked/words"));
    link_to("gone", "linked/words");
    refuses(&request, CLQ_IO_ERROR, "linked/words: cannot open: No such file or directory");
    unlink(scratch_path("linked/words"));
    link_to(".", "linked/loop");
    refuses(&request, CLQ_BAD_FILE, "linked/loop: is a symbolic link to a folder that it lies in");
    scratch_remove(scratch_path("linked"));
}

/* ---- where it goes ---- */

static void refuses_folders_within_each_other(void **state)
{
    clq_file_request request = request_of("in", "in");
    (void)state;
    request.replace = 1;
    refuses(&request, CLQ_INVALID_ARGUMENT, "in: is the folder of the input; another is required");
    link_to("in", "same");
    request.output = scratch_path("same");
    refuses(&request, CLQ_INVALID_ARGUMENT, "same: is the folder of the input");
    request.output = scratch_path("same/sub");
    refuses(&request, CLQ_INVALID_ARGUMENT, "same/sub: lies in the folder of the input; one outside of it is required");
    request.output = scratch_path(".");
    refuses(&request, CLQ_INVALID_ARGUMENT, "holds the folder of the input; one beside it is required");
    request.output = scratch_path("missing/out");
    refuses(&request, CLQ_IO_ERROR, "missing/out: cannot be made: No such file or directory; a folder is made in one");
    tree_write("plain", "a file");
    request.output = scratch_path("plain");
    refuses(&request, CLQ_INVALID_ARGUMENT, "plain: is not a folder; the model of a folder becomes a folder");
    request.input = scratch_path("in/model.safetensors");
    request.output = scratch_path("in");
    refuses(&request, CLQ_INVALID_ARGUMENT,
            "in: is a folder; the name of a file is required, since the input model.safetensors is one");
    request.output = scratch_path("none/");
    refuses(&request, CLQ_INVALID_ARGUMENT, "none/: is a folder; the name of a file is required");
    mkdir(scratch_path("folder.gguf"), 0777);
    request = request_of("in", "folder.gguf");
    request.format = CLQ_FORMAT_GGUF;
    refuses(&request, CLQ_INVALID_ARGUMENT,
            "folder.gguf/model.gguf: a .gguf holds the keys of the model's architecture");
    assert_int_equal(scratch_count("missing") + scratch_count("none"), 0);
    unlink(scratch_path("same"));
}

/* Whatever an output folder holds is kept, unless it may be replaced. */
static void refuses_what_stands_in_the_way(void **state)
{
    clq_file_request request = request_of("in", "way");
    char *before;
    char *after;
    (void)state;
    tree_write("way/tokenizer.json", "other words\n");
    refuses(&request, CLQ_INVALID_ARGUMENT, "way/tokenizer.json: exists, with other bytes; --force replaces it");
    tree_write("way/tokenizer.json", "words\n");
    tree_write("way/config.json", "{}");
    refuses(&request, CLQ_INVALID_ARGUMENT, "way/config.json: exists; --force replaces it");
    tree_weights("way/pytorch_model.bin", "a");
    refuses(&request, CLQ_INVALID_ARGUMENT, "way: holds a model: pytorch_model.bin; --force replaces it");
    request.replace = 1;
    refuses(&request, CLQ_INVALID_ARGUMENT, "this model does not replace: pytorch_model.bin; move them away");
    scratch_remove(scratch_path("way/pytorch_model.bin"));
    tree_weights("way/stray.safetensors", "a");
    refuses(&request, CLQ_INVALID_ARGUMENT, "this model does not replace: stray.safetensors; move them away");
    scratch_remove(scratch_path("way/stray.safetensors"));
    scratch_remove(scratch_path("way/tokenizer.json"));
    link_to("../in/tokenizer.json", "way/tokenizer.json");
    before = tree_show("way", 1);
    request.dry_run = 1; /* the same bytes are no reason to write */
    succeeds(&request, 0);
    after = tree_show("way", 1);
    assert_string_equal(before, after);
    free(before);
    free(after);
    request.dry_run = 0;
    scratch_remove(scratch_path("way/tokenizer.json"));
    link_to("../in/config.json", "way/tokenizer.json");
    refuses(&request, CLQ_INVALID_ARGUMENT, "way/tokenizer.json: is a link, and nothing in the folder");
    scratch_remove(scratch_path("way"));
    text_is("in/tokenizer.json", "words\n");
    text_is("in/config.json", CONFIG);
}

/* ---- config.json ---- */

static void edits_the_configuration(void **state)
{
    clq_file_request request = request_of("conf", "out");
    (void)state;
    tree_weights("conf/model.safetensors", "a");
    succeeds(&request, 0);
    assert_non_null(strstr(warnings, "there is no config.json; one with the quantization_config alone is written"));
    scratch_remove(scratch_path("out"));
    tree_write("conf/config.json", "{\"a\": 1,}");
    refuses(&request, CLQ_BAD_FILE, "conf/config.json");
    tree_write("conf/config.json", "[]");
    refuses(&request, CLQ_BAD_FILE, "conf/config.json, byte 0: an object is required, not an array");
    tree_write("conf/config.json", "{\"quantization_config\": 1, \"quantization_config\": 2}");
    refuses(&request, CLQ_BAD_FILE, "conf/config.json: 'quantization_config' stands twice");
    assert_false(tree_has(".", "out"));
    tree_write("conf/config.json", "{\"quantization_config\": {\"quant_method\": \"gptq\"}, \"z\": 1}");
    succeeds(&request, 0);
    assert_non_null(
        strstr(warnings, "the model is quantized already, by \"gptq\"; its quantization_config is replaced"));
    {
        size_t length = 0;
        char *text = scratch_read(scratch_path("out/config.json"), &length);
        assert_int_equal(strncmp(text, "{\"quantization_config\": {\"quant_method\": \"compressed-tensors\",", 62), 0);
        assert_string_equal(strstr(text, ", \"z\""), ", \"z\": 1}");
        free(text);
    }
    request = request_of("out", "back");
    succeeds(&request, 1);
    text_is("back/config.json", "{\"z\": 1}");
    /* The library's own format says what it has to in the weights. */
    request = request_of("in", "plain-format");
    request.format = CLQ_FORMAT_CLQUANT;
    succeeds(&request, 0);
    text_is("plain-format/config.json", CONFIG);
}

/* Weights keep their names, but for shards that lie in sub-folders; none is copied besides, by whatever name. */
static void names_the_weights(void **state)
{
    static const struct {
        const char *index, *shard, *written;
    } CASES[] = {
        {"model.safetensors.index.json", "part.safetensors", "part.safetensors"},
        {"net.safetensors.index.json", "sub/part.safetensors", "net-00001-of-00001.safetensors"},
        {"model.safetensors.index.json", "part.st", "model-00001-of-00001.safetensors"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const clq_file_request request = request_of("named", "named-out");
        char path[200];
        char want[300];
        char *seen;
        scratch_remove(scratch_path("named"));
        scratch_remove(scratch_path("named-out"));
        snprintf(path, sizeof path, "named/%s", CASES[i].shard);
        tree_weights(path, "a");
        snprintf(path, sizeof path, "named/%s", CASES[i].index);
        write_index(path, CASES[i].shard);
        succeeds(&request, 0);
        assert_true(tree_has("named-out", CASES[i].written) && tree_has("named-out", CASES[i].index));
        assert_false(tree_has("named-out", "part.st") || tree_has("named-out", "sub"));
        seen = tree_show("named-out", 1);
        snprintf(want, sizeof want, "%s ", CASES[i].written);
        assert_non_null(strstr(seen, want));
        free(seen);
    }
}

static void sees_that_there_is_room(void **state)
{
    clq_error error = {0};
    (void)state;
    assert_int_equal(clq_path_check_space(scratch_path("in"), 1, &error), CLQ_OK);
    assert_int_equal(clq_path_check_space(scratch_path("in"), UINT64_C(1) << 62, &error), CLQ_IO_ERROR);
    assert_non_null(
        strstr(error.message, "in: 4611686018427387904 bytes (4.0 EiB) are needed, and the file system has"));
    /* Before it is made, its own folder tells. */
    assert_int_equal(clq_path_check_space(scratch_path("to-be-made"), UINT64_C(1) << 62, &error), CLQ_IO_ERROR);
}

static void reports_what_is_copied(void **state)
{
    clq_file_request request = request_of("in", "told");
    clq_file_report *report = NULL;
    (void)state;
    tree_write("in/pytorch_model.bin", "weights");
    tree_write("in/original/x.pth", "weights");
    tree_write("in/onnx/model.onnx", "weights");
    tree_write("in/.git/HEAD", "ref");
    request.dry_run = 1;
    assert_int_equal(call(&request, 0, &report, NULL), CLQ_OK);
    assert_int_equal(report->copied_files, 1);
    assert_int_equal(report->copied_file_bytes, 6);
    assert_non_null(
        strstr(warnings, "may hold weights in other forms: onnx/model.onnx, original, pytorch_model.bin\n"));
    assert_false(tree_has(".", "told"));
    clq_file_report_destroy(&report);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_the_model),
    cmocka_unit_test(refuses_folders_without_one_model),
    cmocka_unit_test(reads_a_snapshot_of_a_cache),
    cmocka_unit_test(links_elsewhere_need_to_be_asked_for),
    cmocka_unit_test(refuses_folders_within_each_other),
    cmocka_unit_test(refuses_what_stands_in_the_way),
    cmocka_unit_test(edits_the_configuration),
    cmocka_unit_test(names_the_weights),
    cmocka_unit_test(sees_that_there_is_room),
    cmocka_unit_test(reports_what_is_copied),
};

int main(void)
{
    int code;
    begin();
    code = check_main("folder", tests, sizeof tests / sizeof tests[0]);
    scratch_end(NULL);
    return code;
}
