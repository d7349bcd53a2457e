/* SPDX-License-Identifier: Apache-2.0 */
#include "gemm_shapes.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 64 };

static const gemm_shape default_shapes[] = {
    {256, 256, 256},    {512, 512, 512},    {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096},
    {128, 4096, 4096},  {512, 3072, 768},   {1, 4096, 4096},    {8, 4096, 4096},    {196, 576, 96},
    {1, 11008, 4096},   {1025, 1024, 1024}, {1024, 1025, 1024}, {1024, 1024, 1025}, {1025, 1025, 1025},
    {1023, 1024, 1024}, {1024, 1023, 1024}, {1024, 1024, 1023}, {1023, 1023, 1023}};

static const gemm_shape quick_shapes[] = {{256, 256, 256}, {196, 576, 96}, {1, 4096, 4096}, {257, 257, 257}};

/* What is aimed at, as ratios to the fastest form of oneDNN; 1023 and 1025 are judged by their neighbours. */
static const struct {
    gemm_shape shape;
    const char *variant; /* NULL: the device's choice */
    double alone, many;  /* one call; one of GEMM_MANY_CALLS */
} targets[] = {{{256, 256, 256}, NULL, 0.7, 1.0},    {{196, 576, 96}, NULL, 0.7, 1.0},
               {{512, 512, 512}, NULL, 0.9, 0.0},    {{1024, 1024, 1024}, NULL, 1.0, 0.0},
               {{2048, 2048, 2048}, NULL, 1.0, 0.0}, {{4096, 4096, 4096}, NULL, 1.0, 0.0},
               {{128, 4096, 4096}, NULL, 1.0, 0.0},  {{512, 3072, 768}, NULL, 1.0, 0.0},
               {{1, 4096, 4096}, NULL, 1.6, 1.6},    {{1024, 1024, 1024}, "cpu", 0.18, 0.0}};

static const double neighbour_target = 0.85;

size_t gemm_shapes_default(gemm_shape *shapes)
{
    memcpy(shapes, default_shapes, sizeof default_shapes);
    return sizeof default_shapes / sizeof default_shapes[0];
}

size_t gemm_shapes_quick(gemm_shape *shapes)
{
    memcpy(shapes, quick_shapes, sizeof quick_shapes);
    return sizeof quick_shapes / sizeof quick_shapes[0];
}

int gemm_shape_is_small(const gemm_shape *shape)
{
    return gemm_shape_operations(shape) <= 0x1p25;
}

int gemm_shape_suits_variants(const gemm_shape *shape)
{
    return gemm_shape_operations(shape) <= 0x1p31;
}

static size_t nearby_multiple(size_t dimension)
{
    const size_t remainder = dimension % TILE;
    return dimension > TILE && remainder == 1          ? dimension - 1
           : remainder == TILE - 1 && dimension > TILE ? dimension + 1
                                                       : dimension;
}

int gemm_shape_neighbour(const gemm_shape *shape, gemm_shape *neighbour)
{
    neighbour->m = nearby_multiple(shape->m);
    neighbour->n = nearby_multiple(shape->n);
    neighbour->k = nearby_multiple(shape->k);
    return neighbour->m != shape->m || neighbour->n != shape->n || neighbour->k != shape->k;
}

double gemm_target(const gemm_shape *shape, const char *variant, int calls)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        const gemm_shape *s = &targets[i].shape;
        const int same_variant =
            targets[i].variant == NULL ? variant == NULL : variant != NULL && strcmp(variant, targets[i].variant) == 0;
        if (same_variant && s->m == shape->m && s->n == shape->n && s->k == shape->k) {
            return calls > 1 ? targets[i].many : targets[i].alone;
        }
    }
    return 0.0;
}

double gemm_neighbour_target(void)
{
    return neighbour_target;
}
