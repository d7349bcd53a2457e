/* SPDX-License-Identifier: Apache-2.0 */
#include "trained_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

clq_model *trained_model_open(void)
{
    const char *directory = getenv("CLQ_SHARED_DIR");
    clq_model *model = NULL;
    clq_error error;
    char path[4096];
    FILE *file;
    if (directory != NULL && directory[0] != '\0') {
        snprintf(path, sizeof path, "%s/data/mnist-mlp.safetensors", directory);
    } else {
        snprintf(path, sizeof path, "%s/../shared/data/mnist-mlp.safetensors", CLQ_SOURCE_DIR);
    }
    file = fopen(path, "rb");
    if (file == NULL) {
        check_print("there is no %s", path);
        return NULL;
    }
    fclose(file);
    check_ok(clq_model_open(path, &model, &error), &error, path);
    return model;
}
