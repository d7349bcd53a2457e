/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tensors that kernels for one tensor are compared by. Shapes are chosen for the loops: each is entered at least
 * twice and left in its middle, with the sizes that a trial cuts by (clq_cl_target_items: 24 work-groups, and what
 * opencl/launch has beside its LEAST_ and MOST_). scripts/mutate-kernels.sh tells what they do not see.
 */
#include "core/dtype.h"
#include "trial/cases.h"
#include "trial/ways.h"

/* ---- shapes ---- */

#define PER_TENSOR(n)                                                                                                  \
    {                                                                                                                  \
        {1, 1, n}, CLQ_PER_TENSOR, 0, 0                                                                                \
    }
#define PER_GROUP(rows, row, group)                                                                                    \
    {                                                                                                                  \
        {rows, 1, row}, CLQ_PER_GROUP, 0, group                                                                        \
    }
/* `repeats` times the channels, each with `row` elements in a row. */
#define PER_CHANNEL(repeats, channels, row)                                                                            \
    {                                                                                                                  \
        {repeats, channels, row}, CLQ_PER_CHANNEL, 1, 0                                                                \
    }
/* `slabs` times `lines` lines of `channels` elements, in bands of `group` lines. */
#define PER_BLOCK(slabs, lines, channels, group)                                                                       \
    {                                                                                                                  \
        {slabs, lines, channels}, CLQ_PER_BLOCK, 1, group                                                              \
    }

/*
 * quantize, dequantize, fake_quantize by strips. Two strips, the second of which begins inside a segment, each several
 * write buffers long; more than sixteen parameters, which are made ready together, and a short last segment. The same
 * with parameters that come again row after row, first above and then below sixteen. Segments shorter than a vector
 * and of odd length, which begin in the middle of a byte of 4-bit codes. One parameter over several strips. Bands that
 * begin there too, more and fewer than sixteen parameters in each, a short last one; strips that begin inside.
 */
static const clq_trial_shape strip_shapes[] = {PER_GROUP(3, 2500, 76), PER_CHANNEL(5, 20, 60), PER_CHANNEL(19, 5, 51),
                                               PER_GROUP(7, 301, 9),   PER_TENSOR(9025),       PER_BLOCK(3, 50, 61, 9),
                                               PER_BLOCK(40, 11, 5, 4)};
/*
 * By grids: more segments than work-items stand beside each other, with a short last one; rows of the same parameters;
 * segments longer than all work-items together, several rounds of the blocks that are under way at once and some over.
 * Vectors of four are left with one element, with two and with three.
 */
static const clq_trial_shape grid_shapes[] = {PER_GROUP(3, 2500, 76), PER_CHANNEL(5, 20, 62), PER_TENSOR(20003),
                                              PER_TENSOR(4097)};
/*
 * In columns: lines of several tiles, the last with fewer columns, in two slices of lines, each several times and a bit
 * as long as the lines that go together (TILE_LINES); the last line short, in the middle of a vector in three of them;
 * channels of one element, of three, of more than a vector; lines of which each has a few periods; the short line the
 * last of as many as go together; tiles of which the last vector alone has wide parameters (trial/inputs.c). Bands of
 * two slices of lines, of lines of several periods, and shorter than a line; all with a short last one, and of an even
 * number of elements. A last line of one element.
 */
enum { LARGE_COLUMN_SHAPES = 4 }; /* the first, with five of six elements */
static const clq_trial_shape column_shapes[] = {
    PER_CHANNEL(28, 384, 3),   PER_CHANNEL(37, 544, 1), PER_BLOCK(1, 22, 1040, 20), PER_CHANNEL(9, 1024, 1),
    PER_CHANNEL(9, 10, 17),    PER_CHANNEL(150, 5, 7),  PER_CHANNEL(29, 96, 1),     PER_CHANNEL(31, 3, 3),
    PER_BLOCK(3, 250, 6, 100), PER_BLOCK(9, 6, 5, 4),   PER_CHANNEL(1025, 1, 1)};
/*
 * Strided, of even lengths first, which 4-bit codes take; neither the places nor the gaps are the same on both sides. A
 * strip that begins inside a run; runs of several write buffers; more runs of a segment each than work-items stand
 * beside each other, in two dimensions; one run of a piece for more than all work-items. Runs of several segments:
 * moved on as a whole, with parameters for more than a vector and from row to row, in bands of lines, and, where they
 * lie before their places, by segments. Elements a step apart, one side or both, in runs of several vectors and a bit,
 * of less than one; a dimension in blocks, ragged, outside of the runs and inside, on either side and on both. Bands
 * whose elements lie apart; one parameter in equal pieces of whole vectors, but for one element more. Segments of
 * several runs for each of the parts that minmax reads by turns, up to their end; of runs in more dimensions than one;
 * of runs shorter than a turn.
 */
enum { LARGE_RUN_SHAPES = 8, EVEN_RUN_SHAPES = 10 };
typedef struct strided_shape {
    clq_trial_shape shape;
    clq_strides reals, codes;
} strided_shape;

#define PITCH(slab, row, element)                                                                                      \
    {                                                                                                                  \
        {slab, row, element}, 0, 0, 0                                                                                  \
    }
#define IN_BLOCKS(slab, row, element, axis, block, lane)                                                               \
    {                                                                                                                  \
        {slab, row, element}, axis, block, lane                                                                        \
    }
/* As many dimensions as there can be, none of which goes on where another ends; of runs of six, and of one element. */
#define DEEP                                                                                                           \
    {                                                                                                                  \
        {2, 2, 2, 2, 2, 2, 2, 6}, CLQ_PER_CHANNEL, 2, 0                                                                \
    }
static const strided_shape run_shapes[] = {
    {PER_CHANNEL(9, 1, 1030), PITCH(1041, 1041, 1), PITCH(1052, 1052, 1)},
    {{{1, 2, 13002}, CLQ_PER_TENSOR, 0, 0}, PITCH(1, 13007, 1), PITCH(1, 13010, 1)},
    {PER_CHANNEL(7, 50, 60), PITCH(3300, 64, 1), PITCH(4002, 62, 1)},
    {PER_GROUP(5, 2500, 76), PITCH(2507, 1, 1), PITCH(2600, 1, 1)},
    {{{1, 11, 370}, CLQ_PER_CHANNEL, 2, 0}, PITCH(1, 371, 1), PITCH(1, 390, 1)},
    {PER_BLOCK(2, 30, 62, 9), PITCH(2100, 65, 1), PITCH(1984, 62, 1)},
    {{{3, 30, 50}, CLQ_PER_GROUP, 0, 10}, PITCH(50, 150, 1), PITCH(1500, 50, 1)},
    {{{3, 30, 50}, CLQ_PER_GROUP, 0, 18}, PITCH(1500, 50, 1), PITCH(52, 160, 1)},
    {PER_CHANNEL(2, 9, 130), PITCH(2601, 280, 2), PITCH(1190, 132, 1)},
    {DEEP, {{830, 414, 206, 102, 50, 24, 11, 1}, 0, 0, 0}, {{638, 318, 158, 78, 38, 18, 8, 1}, 0, 0, 0}},
    {{{9, 26, 33}, CLQ_PER_CHANNEL, 0, 0}, PITCH(1014, 39, 1), PITCH(910, 35, 1)},
    {{{4, 8, 34}, CLQ_PER_TENSOR, 0, 0}, PITCH(400, 39, 1), PITCH(360, 36, 1)},
    {{{3, 40, 9}, CLQ_PER_CHANNEL, 0, 0}, PITCH(488, 12, 1), PITCH(400, 10, 1)},
    {PER_CHANNEL(2, 7, 45), IN_BLOCKS(400, 190, 4, 1, 4, 1), PITCH(350, 46, 1)},
    {PER_CHANNEL(2, 7, 45), PITCH(700, 97, 2), IN_BLOCKS(400, 190, 4, 1, 4, 1)},
    {PER_CHANNEL(1, 9, 67), IN_BLOCKS(1, 500, 7, 1, 5, 1), IN_BLOCKS(1, 210, 3, 1, 3, 1)},
    {{{2, 9, 19}, CLQ_PER_CHANNEL, 2, 0}, IN_BLOCKS(300, 24, 8, 2, 8, 1), PITCH(200, 20, 1)},
    {{{2, 9, 19}, CLQ_PER_GROUP, 0, 5}, PITCH(190, 21, 1), IN_BLOCKS(300, 24, 8, 2, 8, 1)},
    {PER_CHANNEL(1, 300, 3), PITCH(1, 5, 1), PITCH(1, 10, 3)},
    {PER_BLOCK(2, 30, 11, 9), PITCH(700, 23, 2), PITCH(350, 11, 1)},
    {{{1, 5, 461}, CLQ_PER_TENSOR, 0, 0}, PITCH(1, 470, 1), PITCH(1, 500, 1)},
    {DEEP, {{830, 414, 206, 102, 50, 24, 11, 3}, 7, 2, 1}, {{638, 318, 158, 78, 38, 18, 8, 1}, 0, 0, 0}}};

/* Several strips; several pairs of vectors; less than two vectors; fewer elements than one, twice, since each has part
 * of the presets (trial/ways.c). By one work-item: more parameters than are made ready together, of short segments that
 * are read together, with a short last one, and of those of one to two vectors and of less than one, whole rows of
 * which too, and sixteen that end where their row does; sixteen of two to three vectors; of long ones, and of few short
 * ones, which are read one by one; of one element.
 */
static const clq_trial_shape dynamic_shapes[] = {PER_TENSOR(20001),
                                                 PER_TENSOR(300),
                                                 PER_TENSOR(27),
                                                 PER_TENSOR(5),
                                                 PER_TENSOR(CLQ_TRIAL_OTHER_PRESETS),
                                                 PER_GROUP(2, 650, 76),
                                                 PER_GROUP(2, 530, 520),
                                                 PER_GROUP(1, 75, 33),
                                                 PER_GROUP(3, 1, 1),
                                                 PER_GROUP(3, 565, 28),
                                                 PER_GROUP(2, 448, 28),
                                                 PER_GROUP(1, 640, 40),
                                                 PER_CHANNEL(1, 40, 20),
                                                 PER_GROUP(7, 33, 5)};
/*
 * By work-groups, of which there are three in a trial, or every other time no more than segments take: one parameter as
 * above, for a group that is alone; several segments at a time in several rounds, the last with fewer, a short last one
 * in each row; rows that are not aligned, one less than a group has at a time, which then is alone with them; segments
 * of a few vectors for each work-item, several for a group; of less than a vector, one for each work-item; of two
 * vectors.
 */
static const clq_trial_shape dynamic_grid_shapes[] = {PER_TENSOR(5003),
                                                      PER_TENSOR(300),
                                                      PER_TENSOR(27),
                                                      PER_TENSOR(5),
                                                      PER_TENSOR(CLQ_TRIAL_OTHER_PRESETS),
                                                      PER_GROUP(3, 2500, 76),
                                                      PER_CHANNEL(1, 31, 62),
                                                      PER_GROUP(2, 530, 520),
                                                      PER_CHANNEL(1, 5, 1030),
                                                      PER_GROUP(1, 600, 2),
                                                      PER_GROUP(7, 100, 6)};
static const clq_trial_shape choice_shapes[] = {PER_CHANNEL(1, 1500, 1)};
/* Elements of a parameter in one segment and in several rows, also of a band; the last channel is one of which the last
 * row alone has a finite element (trial/inputs_merge.c). */
static const clq_trial_shape merge_shapes[] = {PER_GROUP(9, 500, 76), PER_CHANNEL(5, 145, 6), PER_BLOCK(2, 40, 9, 32)};

/*
 * minmax, by strips and grids. Segments of more than two vectors, more than sixteen for a work-item and a few over;
 * of one to two vectors with a short last one, likewise; of less than a vector; whole rows of one to two vectors; all
 * with partial ranges in several rows, of more parameters than a work-group of the second kernel takes (eights of
 * them, 64 at a time), of more than it has work-items, and in pieces. A segment for each lane of a work-group of the
 * grid to have the ends; three parameters in pieces of several rounds of a work-group, which end where the block of a
 * work-item does; a short last segment of which nothing is left for some pieces; whole eights of parameters alone.
 * Bands of fewer lines than a work-group has items, and of more; of which the last parameter is the first of a
 * work-item. Few segments of whole vectors. Three parameters in two pieces each. One in equal pieces of whole vectors,
 * but for one element more. For strips alone, since grids take a work-group
 * for each parameter: bands of several tiles of lines and some over, and of tiles alone up to the tensor's end, more
 * parameters for a work-item than are read at once.
 */
enum { STRIP_SHAPES = 1 }; /* the last */
static const clq_trial_shape minmax_shapes[] = {
    PER_GROUP(13, 2500, 44),   PER_GROUP(5, 2510, 28),    PER_GROUP(70, 66, 9),    PER_CHANNEL(2, 527, 20),
    PER_CHANNEL(300, 3, 20),   PER_CHANNEL(2, 5, 250),    PER_CHANNEL(1, 64, 520), PER_CHANNEL(2, 9, 600),
    PER_CHANNEL(1, 3, 20000),  PER_GROUP(2, 1012, 500),   PER_CHANNEL(3, 64, 20),  PER_BLOCK(2, 70, 37, 32),
    PER_BLOCK(1, 300, 5, 290), PER_BLOCK(1, 44, 17, 2),   PER_CHANNEL(1, 3, 16),   PER_CHANNEL(1, 3, 180),
    PER_TENSOR(5377),          PER_BLOCK(1, 39, 3405, 23)};
/* In columns: tiles and slices as above; more parameters than the second kernel takes at a time, rows of three; a last
 * line of one element; one parameter fewer than the second kernel takes. A band that ends where lines that go together
 * do, and another behind it. */
static const clq_trial_shape minmax_column_shapes[] = {
    PER_CHANNEL(28, 384, 3), PER_CHANNEL(37, 544, 1),    PER_CHANNEL(20, 520, 3),   PER_CHANNEL(9, 10, 17),
    PER_CHANNEL(29, 96, 1),  PER_BLOCK(1, 40, 1040, 24), PER_BLOCK(3, 250, 6, 100), PER_BLOCK(9, 7, 5, 3),
    PER_CHANNEL(1025, 1, 1), PER_CHANNEL(130, 7, 1)};
/*
 * histogram. Counts in one slice, of few elements and of more; in slices of one segment, of whole segments, and of
 * parts of several, in more jobs than there are work-items; of bands in one slice and in several. For grids alone:
 * several rounds of the blocks that are under way at once, and some over.
 */
enum { HISTOGRAM_GRID_SHAPES = 1 }; /* the last */
static const clq_trial_shape histogram_shapes[] = {
    PER_GROUP(3, 2500, 76),  PER_GROUP(3, 500, 28),   PER_TENSOR(20001),         PER_CHANNEL(200, 3, 2),
    PER_CHANNEL(3, 13, 200), PER_BLOCK(2, 40, 3, 32), PER_BLOCK(1, 500, 3, 400), PER_CHANNEL(1, 25, 4500)};
/* In columns: several blocks of channels in one slice and in several, the last with fewer; several periods in a line; a
 * last line of one element, a last block of one channel, however many the others have, and ragged vectors. By groups:
 * several rounds of the lines that are under way at once, and some over; all channels in one block, lines for several
 * rounds, the last of them short.
 */
static const clq_trial_shape histogram_column_shapes[] = {
    PER_CHANNEL(37, 100, 1), PER_CHANNEL(1, 40, 1),   PER_CHANNEL(20, 97, 3),   PER_CHANNEL(50, 5, 2),
    PER_CHANNEL(3, 5, 2),    PER_CHANNEL(1025, 1, 1), PER_CHANNEL(1100, 96, 1), PER_CHANNEL(3001, 3, 2)};

static size_t strided_shapes(const clq_trial_kernels *kernels)
{
    const int is_any =
        clq_dtype_bits(kernels->q->scheme.dtype) != 4 || !clq_argument_is_used(kernels->operation, CLQ_ARG_CODES);
    return is_any ? sizeof run_shapes / sizeof run_shapes[0] : EVEN_RUN_SHAPES;
}

static const clq_trial_shape *shapes_of(const clq_trial_kernels *kernels, size_t *count)
{
    const int columns = kernels->cut == CLQ_TRIAL_COLUMNS;
#define SHAPES(list) (*count = sizeof(list) / sizeof(list)[0], (list))
    switch (kernels->operation) {
    case CLQ_OP_DYNAMIC_QUANTIZE:
        return kernels->cut == CLQ_TRIAL_GRID ? SHAPES(dynamic_grid_shapes) : SHAPES(dynamic_shapes);
    case CLQ_OP_CHOOSE_PARAMETERS:
        return SHAPES(choice_shapes);
    case CLQ_OP_MERGE_RANGE:
        return SHAPES(merge_shapes);
    case CLQ_OP_MINMAX:
        if (!columns) {
            *count =
                sizeof minmax_shapes / sizeof minmax_shapes[0] - (kernels->cut == CLQ_TRIAL_GRID ? STRIP_SHAPES : 0);
            return minmax_shapes;
        }
        return SHAPES(minmax_column_shapes);
    case CLQ_OP_HISTOGRAM:
        if (!columns) {
            *count = sizeof histogram_shapes / sizeof histogram_shapes[0] -
                     (kernels->cut == CLQ_TRIAL_GRID ? 0 : HISTOGRAM_GRID_SHAPES);
            return histogram_shapes;
        }
        return SHAPES(histogram_column_shapes);
    default:
        return columns                          ? SHAPES(column_shapes)
               : kernels->cut == CLQ_TRIAL_GRID ? SHAPES(grid_shapes)
                                                : SHAPES(strip_shapes);
    }
#undef SHAPES
}

/* ---- cases ---- */

/*
 * Large shapes have half of the ways, every other one the other half: the reference takes as long for each element in
 * each way. Either half has stores in the cache and past it, aligned and not, with wide parameters and without.
 */
static size_t halved_shapes(const clq_trial_kernels *kernels)
{
    const int has_options = kernels->operation == CLQ_OP_QUANTIZE || kernels->operation == CLQ_OP_FAKE_QUANTIZE;
    return !has_options                        ? 0
           : kernels->cut == CLQ_TRIAL_COLUMNS ? LARGE_COLUMN_SHAPES
           : kernels->cut == CLQ_TRIAL_RUNS    ? LARGE_RUN_SHAPES
                                               : 0;
}

/* Each shape in each way, or in half of them: those of case `number`. */
typedef struct shape_and_way {
    size_t shape, way;
} shape_and_way;

static shape_and_way shape_and_way_of(const clq_trial_kernels *kernels, size_t number)
{
    const size_t ways = clq_trial_ways(kernels->operation);
    const size_t half = ways / 2;
    const size_t halves = halved_shapes(kernels) * half; /* cases */
    shape_and_way of;
    if (number < halves) { /* pairs of ways in turn */
        const size_t turn = number % half;
        of.shape = number / half;
        of.way = 2 * turn - turn % 2 + 2 * (of.shape % 2);
    } else {
        of.shape = (number + halves) / ways;
        of.way = (number + halves) % ways;
    }
    return of;
}

static clq_status describe_runs(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    const shape_and_way of = shape_and_way_of(kernels, number);
    const strided_shape *s = &run_shapes[of.shape];
    const clq_layout layout = clq_trial_layout(&s->shape);
    c->count = 1;
    CLQ_TRY(clq_trial_add_strided(c, 0, kernels, &layout, &s->reals, &s->codes, error));
    clq_trial_set_way(c, of.way);
    return CLQ_OK;
}

static clq_status describe_walk(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    const shape_and_way of = shape_and_way_of(kernels, number);
    size_t count = 0;
    c->count = 1;
    CLQ_TRY(clq_trial_add_tensor(c, 0, kernels, &shapes_of(kernels, &count)[of.shape], error));
    clq_trial_set_way(c, of.way);
    return CLQ_OK;
}

/* Each shape in each way; then what is for no shape: a scheme that comes again (clq_trial_add_given) comes aligned and
 * not, and is stored in the cache and past it. */
static clq_status describe_dynamic(const void *what, size_t number, clq_trial_case *c, clq_error *error)
{
    const clq_trial_kernels *kernels = what;
    size_t shapes = 0;
    size_t walks, given, phase;
    (void)shapes_of(kernels, &shapes);
    walks = shapes * clq_trial_ways(kernels->operation);
    if (number < walks) {
        return describe_walk(what, number, c, error);
    }
    given = number - walks;
    phase = given + given / CLQ_TRIAL_GIVEN;
    c->count = 1;
    c->other_way = phase / 2 % 2 != 0;
    c->is_behind = phase % 2 != 0;
    c->way = (uint32_t)number;
    return clq_trial_add_given(c, 0, kernels, given, error);
}

/* Each way has other numbers: what lies in the one short vector of a shape is not the same in all of them. */
static void fill_walk(const clq_trial_case *c)
{
    uint32_t state = 2463534242u + 0x9E3779B9u * c->way;
    clq_trial_fill_tensor(c, &c->tasks[0], &state);
}

clq_trial_cases clq_trial_walk_cases(const clq_trial_kernels *kernels)
{
    clq_trial_cases cases = {kernels, 0, describe_walk, fill_walk};
    size_t shapes = 0;
    if (kernels->cut == CLQ_TRIAL_RUNS) {
        cases.describe = describe_runs;
        shapes = strided_shapes(kernels);
    } else {
        (void)shapes_of(kernels, &shapes);
    }
    cases.count = (2 * shapes - halved_shapes(kernels)) * clq_trial_ways(kernels->operation) / 2;
    if (kernels->operation == CLQ_OP_DYNAMIC_QUANTIZE) {
        cases.describe = describe_dynamic;
        cases.count += CLQ_TRIAL_GIVEN_CASES;
    }
    return cases;
}
