/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700

#include "folder_tree.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/text.h"
#include "scratch.h"

enum { SIDE = 16 };

void tree_write(const char *name, const char *text)
{
    char part[300];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        mkdir(scratch_path(part), 0777);
    }
    scratch_write(name, text, strlen(text));
}

void tree_weights(const char *name, const char *letters)
{
    const size_t each = (SIDE * SIDE + SIDE) * sizeof(float);
    const size_t count = strlen(letters);
    char *file = malloc(8 + 400 * (count + 1) + count * each);
    size_t used = 8;
    if (file == NULL) {
        abort();
    }
    used += (size_t)sprintf(file + used, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < count; i++) {
        const size_t middle = i * each + SIDE * SIDE * sizeof(float);
        used += (size_t)sprintf(file + used,
                                ",\"%c.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]}"
                                ",\"%c.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%zu,%zu]}",
                                letters[i], SIDE, SIDE, i * each, middle, letters[i], SIDE, middle, (i + 1) * each);
    }
    file[used++] = '}';
    for (size_t i = 0; i < 8; i++) {
        file[i] = (char)((used - 8) >> (8 * i) & 0xFF);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t seed = (unsigned char)letters[i];
        for (size_t j = 0; j < each; j += sizeof(float)) {
            const float value = (float)(scratch_random(&seed) % 1000) - 500.0f;
            memcpy(file + used, &value, sizeof value);
            used += sizeof value;
        }
    }
    tree_write(name, "");
    scratch_write(name, file, used);
    free(file);
}

static void show(clq_text *out, const char *folder, const char *prefix, int hidden)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[1000];
        char relative[500];
        struct stat facts;
        const int shown = strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && (hidden || name[0] != '.');
        snprintf(path, sizeof path, "%s/%s", folder, name);
        snprintf(relative, sizeof relative, "%s%s", prefix, name);
        if (shown && lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) {
            strcat(relative, "/");
            show(out, path, relative, hidden);
        } else if (shown) {
            size_t length = 0;
            char *bytes = scratch_read(path, &length);
            uint64_t hash = 1469598103934665603u;
            for (size_t j = 0; bytes != NULL && j < length; j++) {
                hash = (hash ^ (unsigned char)bytes[j]) * 1099511628211u;
            }
            clq_text_put(out, relative);
            clq_text_format(out, " %o %zu %016llx\n", (unsigned)facts.st_mode, length, (unsigned long long)hash);
            free(bytes);
        }
        free(entries[i]);
    }
    free(entries);
}

char *tree_show(const char *name, int hidden)
{
    clq_text out = {0};
    char *text = NULL;
    size_t length = 0;
    clq_text_put(&out, "");
    show(&out, scratch_path(name), "", hidden);
    if (clq_text_take(&out, "a tree", &text, &length, NULL) != CLQ_OK) {
        abort();
    }
    return text;
}

int tree_has(const char *folder, const char *name)
{
    char path[400];
    struct stat facts;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return lstat(scratch_path(path), &facts) == 0;
}

int tree_loads(const char *name)
{
    return tree_has(name, "config.json") &&
           (tree_has(name, "model.safetensors") || tree_has(name, "model.safetensors.index.json"));
}
