/* SPDX-License-Identifier: Apache-2.0 */
#include "shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/size.h"

static const uint64_t maximum_elements = UINT64_C(1) << 40;
static const uint64_t maximum_of_product = UINT64_C(1) << 16;

/* A whole number above 0 with its multiplier; moves *text behind it. 0: there is none, or it is too large. */
static uint64_t take_number(const char **text)
{
    const char *at = *text;
    uint64_t value = 0;
    int shift = 0;
    while (*at >= '0' && *at <= '9') {
        if (value > maximum_elements) {
            return 0;
        }
        value = 10 * value + (uint64_t)(*at++ - '0');
    }
    if (at != *text && (at[0] == 'K' || at[0] == 'M' || at[0] == 'G') && at[1] == 'i') {
        shift = at[0] == 'K' ? 10 : at[0] == 'M' ? 20 : 30;
        at += 2;
    }
    if (value > maximum_elements >> shift) {
        return 0;
    }
    *text = at;
    return value << shift;
}

static clq_status take_dimensions(const char **text, clq_layout *layout, clq_error *error)
{
    const char *given = *text;
    uint64_t elements = 1;
    for (;;) {
        const uint64_t dimension = take_number(text);
        CLQ_REQUIRE(dimension > 0 && (**text == 'x' || **text == ' ' || **text == '\0'),
                    "'%s': dimensions are whole numbers from 1 to 2^40, such as 128Mi, 4096x4096 or 512x512x512",
                    given);
        CLQ_REQUIRE(layout->rank < CLQ_MAX_RANK, "'%s': more than %d dimensions", given, CLQ_MAX_RANK);
        CLQ_REQUIRE(clq_size_multiply(elements, dimension, &elements) && elements <= maximum_elements,
                    "'%s': more than 2^40 elements", given);
        layout->shape[layout->rank++] = dimension;
        if (**text != 'x') {
            return CLQ_OK;
        }
        ++*text;
    }
}

/* One "name=number" of those that may follow. */
static clq_status take_word(const char **text, bench_shape *shape, unsigned *given, clq_error *error)
{
    static const char *const names[] = {"axis=", "group=", "offset=", "pitch="};
    const uint64_t columns = shape->layout.shape[shape->layout.rank - 1];
    const char *word = *text;
    uint64_t value = 0;
    unsigned which = 0;
    while (which < 4 && strncmp(word, names[which], strlen(names[which])) != 0) {
        which++;
    }
    CLQ_REQUIRE(which < 4, "'%s': required is axis=N, group=G, offset=E or pitch=P", word);
    CLQ_REQUIRE((*given >> which & 1) == 0, "'%s': given twice", word);
    *given |= 1u << which;
    *text += strlen(names[which]);
    if (**text == '0' && ((*text)[1] == ' ' || (*text)[1] == '\0')) {
        ++*text;
    } else {
        value = take_number(text);
        CLQ_REQUIRE(value > 0 && (**text == ' ' || **text == '\0'), "'%s': required is a whole number", word);
    }
    if (which == 0) {
        CLQ_REQUIRE(value < shape->layout.rank, "'%s': the tensor has %u dimensions, counted from 0", word,
                    shape->layout.rank);
        shape->layout.granularity = CLQ_PER_CHANNEL;
        shape->layout.axis = (uint32_t)value;
    } else if (which == 1) {
        CLQ_REQUIRE(value > 0, "'%s': a group has at least 1 element", word);
        shape->layout.granularity = CLQ_PER_GROUP;
        shape->layout.group_size = value;
    } else if (which == 3) {
        CLQ_REQUIRE(shape->layout.rank > 1 && value >= columns && value <= columns + 65536,
                    "'%s': the pitch of rows of %" PRIu64
                    " elements is at least that and at most 65536 more, and there "
                    "are two dimensions or more",
                    word, columns);
        shape->pitch = value;
    } else {
        CLQ_REQUIRE(value <= 4096, "'%s': the offset is at most 4096 elements", word);
        shape->offset = value;
    }
    return CLQ_OK;
}

clq_status bench_shape_parse(const char *text, bench_shape *shape, clq_error *error)
{
    unsigned given = 0;
    memset(shape, 0, sizeof *shape);
    shape->layout.group_size = 128;
    CLQ_TRY(take_dimensions(&text, &shape->layout, error));
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        CLQ_TRY(take_word(&text, shape, &given, error));
    }
    if ((given & 3) == 3) {
        shape->layout.granularity =
            shape->layout.axis + 1 == shape->layout.rank ? CLQ_PER_GROUP : CLQ_PER_BLOCK; /* in either order */
    }
    if (shape->layout.rank == 3 && given == 0) {
        shape->is_product = 1;
        shape->m = shape->layout.shape[0];
        shape->n = shape->layout.shape[1];
        shape->k = shape->layout.shape[2];
        CLQ_REQUIRE(shape->m <= maximum_of_product && shape->n <= maximum_of_product && shape->k <= maximum_of_product,
                    "a dimension of a product is at most %" PRIu64, maximum_of_product);
    }
    return CLQ_OK;
}

void bench_shape_print(const bench_shape *shape, char *text, size_t capacity)
{
    const clq_granularity granularity = shape->layout.granularity;
    size_t used = 0;
    for (uint32_t i = 0; i < shape->layout.rank && used < capacity; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%s%" PRIu64, i > 0 ? "x" : "", shape->layout.shape[i]);
    }
    if ((granularity == CLQ_PER_CHANNEL || granularity == CLQ_PER_BLOCK) && used < capacity) {
        used += (size_t)snprintf(text + used, capacity - used, " axis=%" PRIu32, shape->layout.axis);
    }
    if ((granularity == CLQ_PER_GROUP || granularity == CLQ_PER_BLOCK) && used < capacity) {
        used += (size_t)snprintf(text + used, capacity - used, " group=%" PRIu64, shape->layout.group_size);
    }
    if (shape->offset > 0 && used < capacity) {
        used += (size_t)snprintf(text + used, capacity - used, " offset=%" PRIu64, shape->offset);
    }
    if (shape->pitch > 0 && used < capacity) {
        (void)snprintf(text + used, capacity - used, " pitch=%" PRIu64, shape->pitch);
    }
}

bench_shape bench_shape_plain(uint64_t elements)
{
    bench_shape shape;
    memset(&shape, 0, sizeof shape);
    shape.layout.rank = 1;
    shape.layout.shape[0] = elements;
    shape.layout.group_size = 128;
    return shape;
}

int bench_shape_is_plain(const bench_shape *shape)
{
    return !shape->is_product && shape->layout.granularity == CLQ_PER_TENSOR && shape->offset == 0 &&
           shape->pitch == 0 && bench_shape_elements(shape) % 64 == 0;
}

int bench_shape_fills_histograms(const bench_shape *shape)
{
    uint64_t elements = 0;
    uint64_t parameters = 0;
    return shape->pitch == 0 && clq_layout_count(&shape->layout, &elements, &parameters, NULL) == CLQ_OK &&
           elements / clq_size_max(parameters, 1) >= 16 * CLQ_HISTOGRAM_BINS;
}

uint64_t bench_shape_elements(const bench_shape *shape)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < shape->layout.rank; i++) {
        elements *= shape->layout.shape[i];
    }
    return elements;
}

uint64_t bench_shape_span(const bench_shape *shape)
{
    const uint64_t elements = bench_shape_elements(shape);
    return shape->pitch == 0 ? elements : elements / shape->layout.shape[shape->layout.rank - 1] * shape->pitch;
}

clq_strides bench_shape_strides(const bench_shape *shape)
{
    clq_strides s;
    uint64_t stride = shape->pitch;
    memset(&s, 0, sizeof s);
    for (uint32_t i = shape->layout.rank; i-- > 0 && shape->pitch > 0;) {
        const int is_last = i + 1 == shape->layout.rank;
        s.stride[i] = is_last ? 1 : stride;
        stride *= is_last ? 1 : shape->layout.shape[i];
    }
    return s;
}

static bench_shape of_rows(uint64_t elements, uint64_t columns, clq_granularity granularity, uint32_t axis,
                           uint64_t group_size)
{
    bench_shape shape = bench_shape_plain(clq_size_max(elements / columns, 1));
    shape.layout.rank = 2;
    shape.layout.shape[1] = columns;
    shape.layout.granularity = granularity;
    shape.layout.axis = axis;
    shape.layout.group_size = group_size;
    return shape;
}

size_t bench_shapes_of_size(uint64_t elements, bench_shape *shapes)
{
    static const uint64_t groups[] = {32, 64, 128, 256};
    const uint64_t columns = clq_size_min(elements, 4096);
    size_t count = 0;
    shapes[count++] = bench_shape_plain(elements);
    shapes[count++] = of_rows(elements, columns, CLQ_PER_CHANNEL, 0, 128);
    shapes[count++] = of_rows(elements, columns, CLQ_PER_CHANNEL, 1, 128);
    shapes[count++] = of_rows(elements, 3, CLQ_PER_CHANNEL, 1, 128);
    shapes[count++] = of_rows(elements, 27, CLQ_PER_CHANNEL, 0, 128);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        shapes[count++] = of_rows(elements, columns, CLQ_PER_GROUP, 0, groups[i]);
    }
    shapes[count++] = of_rows(elements, columns, CLQ_PER_BLOCK, 0, 32);
    shapes[count++] = of_rows(elements, columns, CLQ_PER_BLOCK, 0, 128);
    shapes[count++] = of_rows(elements, 32, CLQ_PER_BLOCK, 0, 1 << 16); /* enough for histograms */
    if (elements > 8) {
        shapes[count++] = of_rows(elements, columns - 1, CLQ_PER_GROUP, 0, 128); /* the last group of a row is short */
        shapes[count++] = bench_shape_plain(elements - 5);
        shapes[count] = bench_shape_plain(elements - 8);
        shapes[count++].offset = 1;
        shapes[count] = of_rows(elements, clq_size_min(elements, 300), CLQ_PER_TENSOR, 0, 128);
        shapes[count++].pitch = 512; /* of f32: rows of 1200 bytes, 2048 apart */
    }
    return count;
}
