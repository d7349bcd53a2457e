/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of models for tests: made of small files, and looked at as a whole. */
#ifndef CLQ_TESTS_FOLDER_TREE_H
#define CLQ_TESTS_FOLDER_TREE_H

/* A file NAME of the scratch folder with this text; folders on the way to it are made. */
void tree_write(const char *name, const char *text);

/* A safetensors file with a matrix of 16 x 16 and a vector of 16 F32 for each letter: "X.weight", "X.bias". */
void tree_weights(const char *name, const char *letters);

/* Everything in a folder of the scratch folder, hidden files too where `hidden`: names, modes, sizes, hashes.
 * malloc'ed. */
char *tree_show(const char *name, int hidden);

/* Whether there is such a file or folder, a link to nothing too. */
int tree_has(const char *folder, const char *name);

/* Whether a loader takes the folder: a config.json beside model.safetensors or an index. */
int tree_loads(const char *name);

#endif
