/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces that runs share: they are the tensors, cut where all formats can be cut, the same for any number of runs,
 * and balanced for the shapes of real checkpoints; and what a plan costs, of headers whose data are holes.
 * CLQ_TEST_TENSORS and CLQ_TEST_SHARDS: how many there are, for figures like those of docs/scaling.md.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include "check.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/model.h"
#include "format/text.h"
#include "model/file_format.h"
#include "model/given.h"
#include "model/quantize_output.h"
#include "model/work.h"
#include "scratch.h"

/* ---- headers with nothing behind them ---- */

typedef struct shape {
    const char *name;
    uint64_t rows, columns; /* rows 0: a vector */
} shape;

/* A shard with these tensors of BF16, called PREFIX.NUMBER.NAME, as many times as `repeats`. */
static void add_shard(const char *folder, size_t number, const shape *shapes, size_t count, size_t first,
                      size_t repeats, clq_text *map)
{
    char name[128];
    clq_text header = {0};
    char *bytes = NULL;
    size_t length = 0;
    uint64_t at = 0;
    unsigned char size[8];
    FILE *file;
    for (size_t i = 0; i < repeats * count; i++) {
        const shape *s = &shapes[i % count];
        const uint64_t data = 2 * s->columns * (s->rows > 0 ? s->rows : 1);
        clq_text_format(&header, "%s\"layers.%zu.%s\":{\"dtype\":\"BF16\",\"shape\":[", i > 0 ? "," : "{",
                        first + i / count, s->name);
        if (s->rows > 0) {
            clq_text_format(&header, "%" PRIu64 ",", s->rows);
        }
        clq_text_format(&header, "%" PRIu64 "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", s->columns, at, at + data);
        clq_text_format(map, "%s\"layers.%zu.%s\":\"s-%05zu.safetensors\"", first + i > 0 ? "," : "", first + i / count,
                        s->name, number);
        at += data;
    }
    clq_text_put(&header, "}");
    assert_int_equal(clq_text_take(&header, "a header", &bytes, &length, NULL), CLQ_OK);
    for (size_t i = 0; i < 8; i++) {
        size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    }
    snprintf(name, sizeof name, "%s/s-%05zu.safetensors", folder, number);
    file = fopen(scratch_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(size, 1, 8, file), 8);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(ftruncate(fileno(file), (off_t)(8 + length + at)), 0);
    fclose(file);
    free(bytes);
}

/* A checkpoint of `layers` times these tensors in so many shards; the path of its index. */
static const char *write_checkpoint(const char *folder, const shape *shapes, size_t count, size_t layers, size_t shards)
{
    char name[128];
    clq_text map = {0};
    char *index = NULL;
    size_t bytes = 0;
    assert_int_equal(mkdir(scratch_path(folder), 0777), 0);
    clq_text_put(&map, "{\"weight_map\":{");
    for (size_t i = 0; i < shards; i++) {
        const size_t first = layers * i / shards;
        add_shard(folder, i, shapes, count, first, layers * (i + 1) / shards - first, &map);
    }
    clq_text_put(&map, "}}");
    assert_int_equal(clq_text_take(&map, "an index", &index, &bytes, NULL), CLQ_OK);
    snprintf(name, sizeof name, "%s/m.safetensors.index.json", folder);
    scratch_write(name, index, bytes);
    free(index);
    return scratch_path(name);
}

/* ---- a plan, as each part makes it ---- */

typedef struct planned {
    clq_file_request request;
    clq_model *model;
    clq_given *given;
    clq_model_plan *plan, *work;
    clq_pieces *pieces;
    clq_output *output;
    const clq_format *format;
    double opened, decided, laid_out, cut; /* seconds of this process's time that each step took */
} planned;

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Since the last call. */
static double lap(void)
{
    static double last;
    const double before = last;
    last = processor_seconds();
    return last - before;
}

static void make_plan(planned *p, const char *path, clq_granularity granularity, uint32_t parts)
{
    clq_error error;
    uint64_t bytes = 0;
    memset(p, 0, sizeof *p);
    clq_file_request_init(&p->request);
    p->request.input = path;
    p->request.output = scratch_path("q.safetensors.index.json");
    p->request.has_granularity = 1;
    p->request.granularity = granularity;
    (void)lap();
    check_ok(clq_model_open(path, &p->model, &error), &error, "open");
    p->opened = lap();
    check_ok(clq_format_of(&p->request, p->model, &p->format, &error), &error, "format");
    check_ok(clq_output_create(p->request.output, p->model->shard_count, &p->output, &error), &error, "output");
    check_ok(clq_given_create(&p->request, &p->given, &error), &error, "given");
    check_ok(clq_model_plan_create(&p->request, p->format, p->given, p->model, &p->plan, &error), &error, "plan");
    assert_true(clq_zero_points_known(p->plan, p->given));
    p->decided = lap();
    check_ok(clq_declare_quantized(p->output, &p->request, p->plan, &error), &error, "declare");
    check_ok(clq_output_layout(p->output, &bytes, &error), &error, "layout");
    p->laid_out = lap();
    check_ok(clq_pieces_create(p->plan, parts, 1, &p->pieces, &error), &error, "pieces");
    check_ok(clq_work_create(p->plan, p->pieces, 0, &p->work, &error), &error, "work");
    check_ok(clq_work_place(p->work, p->output, &error), &error, "windows");
    p->cut = lap();
}

static void release_plan(planned *p)
{
    clq_work_destroy(&p->work);
    clq_pieces_destroy(&p->pieces);
    clq_model_plan_destroy(&p->plan);
    clq_given_destroy(&p->given);
    clq_output_destroy(&p->output);
    clq_model_close(&p->model);
}

/* ---- tests ---- */

/* Each tensor from its start to its end, in order; between cuts whole multiples of 32 rows. */
static void check_pieces(const planned *p, uint32_t parts)
{
    size_t next = 0;
    uint64_t done = 0;
    uint32_t owner = 0;
    for (size_t i = 0; i < p->pieces->count; i++) {
        const clq_work_piece *piece = &p->pieces->items[i];
        const clq_model_plan_tensor *tensor = &p->plan->tensors[piece->tensor];
        const uint64_t all = tensor->quantized ? tensor->elements : tensor->bytes;
        uint64_t row = 1;
        (void)clq_piece_rows(tensor, &row);
        assert_int_equal(piece->tensor, next);
        assert_true(piece->first == done);
        assert_true(!tensor->quantized || done % (CLQ_PIECE_ROWS * row) == 0);
        assert_true(piece->owner >= owner && piece->owner < parts);
        owner = piece->owner;
        done += piece->count;
        if (done == all) {
            next++;
            done = 0;
        }
    }
    assert_int_equal(next, p->plan->count);
    assert_true(done == 0);
}

/* The most bytes of an owner, over the mean. */
static double imbalance(const clq_pieces *pieces, uint32_t parts)
{
    uint64_t *bytes = calloc(parts, sizeof *bytes);
    uint64_t most = 0;
    uint64_t all = 0;
    assert_non_null(bytes);
    for (size_t i = 0; i < pieces->count; i++) {
        bytes[pieces->items[i].owner] += pieces->items[i].bytes;
        all += pieces->items[i].bytes;
    }
    for (uint32_t i = 0; i < parts; i++) {
        most = bytes[i] > most ? bytes[i] : most;
    }
    free(bytes);
    return (double)most * parts / (double)all;
}

/* Layers of known models: Llama 3 70B, Mixtral 8x7B, with an embedding in each so that vocabularies count. */
static const shape DENSE[] = {
    {"embed", 128256, 8192}, {"q", 8192, 8192},   {"k", 1024, 8192},     {"v", 1024, 8192}, {"o", 8192, 8192},
    {"gate", 28672, 8192},   {"up", 28672, 8192}, {"down", 8192, 28672}, {"norm", 0, 8192},
};
static const shape EXPERTS[] = {
    {"embed", 32000, 4096}, {"q", 4096, 4096},   {"k", 1024, 4096},   {"w1", 14336, 4096},
    {"w2", 4096, 14336},    {"w3", 14336, 4096}, {"router", 8, 4096}, {"norm", 0, 4096},
};
static const shape ONE[] = {{"table", 1000003, 4096}};
static const shape CONVOLUTIONS[] = {{"a", 64, 27}, {"b", 512, 4608}, {"c", 1000, 2048}, {"d", 0, 512}};

static void are_balanced(void **state)
{
    static const struct {
        const char *name;
        const shape *shapes;
        size_t count, layers, shards;
    } MODELS[] = {
        {"dense", DENSE, sizeof DENSE / sizeof DENSE[0], 4, 3},
        {"experts", EXPERTS, sizeof EXPERTS / sizeof EXPERTS[0], 32, 19},
        {"one", ONE, 1, 1, 1},
        {"convolutions", CONVOLUTIONS, sizeof CONVOLUTIONS / sizeof CONVOLUTIONS[0], 8, 1},
    };
    static const uint32_t PARTS[] = {1, 2, 3, 4, 7, 8, 64, 200};
    (void)state;
    for (size_t m = 0; m < sizeof MODELS / sizeof MODELS[0]; m++) {
        const char *path =
            write_checkpoint(MODELS[m].name, MODELS[m].shapes, MODELS[m].count, MODELS[m].layers, MODELS[m].shards);
        for (size_t g = 0; g < 3; g++) {
            static const clq_granularity KINDS[] = {CLQ_PER_TENSOR, CLQ_PER_CHANNEL, CLQ_PER_GROUP};
            planned p;
            size_t count;
            make_plan(&p, path, KINDS[g], 1);
            count = p.pieces->count;
            for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++) {
                double most;
                clq_pieces_destroy(&p.pieces);
                assert_int_equal(clq_pieces_create(p.plan, PARTS[i], 1, &p.pieces, NULL), CLQ_OK);
                check_pieces(&p, PARTS[i]);
                assert_int_equal(p.pieces->count, count);
                most = imbalance(p.pieces, PARTS[i]);
                if (PARTS[i] <= (m < 3 ? 64u : 8u) && most > 1.05) {
                    fail_msg("%s: %u parts: the largest has %.3f of the mean", MODELS[m].name, (unsigned)PARTS[i],
                             most);
                }
            }
            release_plan(&p);
        }
    }
}

/* Tensors of which several owners have pieces. */
static size_t count_shared(const clq_pieces *pieces)
{
    size_t shared = 0;
    for (size_t i = 1; i < pieces->count; i++) {
        shared += pieces->items[i].tensor == pieces->items[i - 1].tensor &&
                  pieces->items[i].owner != pieces->items[i - 1].owner;
    }
    return shared;
}

/* Where a range needs all of a tensor, one part has it, unless parts tell each other; but the pieces are the same. */
static void keep_together_what_shares_a_scale(void **state)
{
    planned p;
    clq_pieces *apart = NULL;
    const char *path = write_checkpoint("whole", CONVOLUTIONS, sizeof CONVOLUTIONS / sizeof CONVOLUTIONS[0], 4, 2);
    (void)state;
    make_plan(&p, path, CLQ_PER_TENSOR, 7); /* no divisor of the layers */
    assert_true(p.pieces->count > p.plan->count && count_shared(p.pieces) > 0);
    check_pieces(&p, 7);
    assert_int_equal(clq_pieces_create(p.plan, 7, 0, &apart, NULL), CLQ_OK);
    assert_int_equal(count_shared(apart), 0);
    assert_int_equal(apart->count, p.pieces->count);
    for (size_t i = 0; i < apart->count; i++) {
        assert_true(apart->items[i].tensor == p.pieces->items[i].tensor &&
                    apart->items[i].first == p.pieces->items[i].first);
    }
    clq_pieces_destroy(&p.pieces);
    p.pieces = apart;
    check_pieces(&p, 7);
    release_plan(&p);
}

/* A histogram is of all that shares a scale; a single row, and channels of another axis, cannot be cut. */
static void keep_what_cannot_be_cut(void **state)
{
    static const shape SHAPES[] = {{"a", 512, 4608}, {"row", 1, 1000000}};
    planned p;
    const char *path = write_checkpoint("rows", SHAPES, 2, 1, 1);
    (void)state;
    make_plan(&p, path, CLQ_PER_TENSOR, 4);
    p.plan->counts = 1;
    for (int merges = 0; merges < 2; merges++) {
        clq_pieces_destroy(&p.pieces);
        assert_int_equal(clq_pieces_create(p.plan, 4, merges, &p.pieces, NULL), CLQ_OK);
        assert_int_equal(p.pieces->count, 2);
        check_pieces(&p, 4);
    }
    clq_pieces_destroy(&p.pieces);
    p.plan->counts = 0;
    assert_int_equal(clq_pieces_create(p.plan, 4, 1, &p.pieces, NULL), CLQ_OK);
    assert_true(p.pieces->count > 2);
    assert_int_equal(p.pieces->items[p.pieces->count - 2].tensor, 0);
    release_plan(&p);
}

static size_t number_of(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

/* Memory in proportion to the tensors; the time of each step is printed. */
static void cost_little(void **state)
{
    static const shape SMALL[] = {{"down", 64, 4096}, {"up", 512, 1024}, {"gate", 64, 2048}, {"norm", 0, 2048}};
    const size_t tensors = number_of("CLQ_TEST_TENSORS", 20000);
    const size_t shards = number_of("CLQ_TEST_SHARDS", 256);
    size_t memory[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const size_t part = i == 0 ? 4 : 1;
        char name[32];
        planned p;
        const char *path;
        struct mallinfo2 before, after;
        snprintf(name, sizeof name, "cost-%zu", part);
        path = write_checkpoint(name, SMALL, 4, tensors / part / 4, shards / part);
        before = mallinfo2();
        make_plan(&p, path, CLQ_PER_CHANNEL, 64);
        after = mallinfo2();
        memory[i] = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
        fprintf(stderr,
                "plan of %zu tensors in %zu shards: headers %.2f s, decisions %.2f s, layout %.2f s, pieces %.2f s, "
                "together %.2f s; %.1f MiB\n",
                p.plan->count, p.model->shard_count, p.opened, p.decided, p.laid_out, p.cut,
                p.opened + p.decided + p.laid_out + p.cut, (double)memory[i] / (1 << 20));
        release_plan(&p);
        scratch_remove(scratch_path(name));
    }
    if (memory[0] > 0) { /* a sanitizer's allocator does not count for mallinfo2 */
        assert_true((double)memory[1] < 4.0 * 1.3 * (double)memory[0]);
    }
}

static int begin(void **state)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return scratch_begin(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_balanced),
        cmocka_unit_test(keep_together_what_shares_a_scale),
        cmocka_unit_test(keep_what_cannot_be_cut),
        cmocka_unit_test(cost_little),
    };
    return cmocka_run_group_tests_name("pieces", tests, begin, scratch_end);
}
