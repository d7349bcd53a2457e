/* SPDX-License-Identifier: Apache-2.0 */
/* A small trained network, 784 -> 128 -> 10 without biases, in data/mnist-mlp.safetensors of CLQ_SHARED_DIR or of a
 * folder "shared" beside the source tree. */
#ifndef CLQ_TESTS_TRAINED_MODEL_H
#define CLQ_TESTS_TRAINED_MODEL_H

#include "format/model.h"

/* The model, or NULL with a message when there is none; one that cannot be read fails the test. */
clq_model *trained_model_open(void);

#endif
