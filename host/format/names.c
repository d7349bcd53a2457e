/* SPDX-License-Identifier: Apache-2.0 */
#include "format/names.h"

#include <stdlib.h>
#include <string.h>

#include "format/support.h"

struct clq_name_slot {
    const char *name; /* NULL: free */
    size_t value;
};

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012), with words in the byte order of the machine: no value leaves it. */
static uint64_t hash_name(const clq_names *names, const char *name, size_t length)
{
    uint64_t v[4] = {names->key[0] ^ 0x736f6d6570736575u, names->key[1] ^ 0x646f72616e646f6du,
                     names->key[0] ^ 0x6c7967656e657261u, names->key[1] ^ 0x7465646279746573u};
    for (size_t i = 0;; i += 8) {
        const size_t left = length - i;
        uint64_t word = 0;
        memcpy(&word, name + i, left < 8 ? left : 8);
        if (left < 8) {
            word ^= (uint64_t)length << 56;
        }
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
        if (left < 8) {
            break;
        }
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The slot that holds `name`, or the free one where it belongs. The table is never full. */
static struct clq_name_slot *find_slot(const clq_names *names, const char *name)
{
    size_t i = (size_t)hash_name(names, name, strlen(name)) & (names->capacity - 1);
    while (names->slots[i].name != NULL && strcmp(names->slots[i].name, name) != 0) {
        i = (i + 1) & (names->capacity - 1);
    }
    return &names->slots[i];
}

static clq_status grow(clq_names *names, clq_error *error)
{
    clq_names larger = *names;
    larger.capacity = names->capacity == 0 ? 8 : names->capacity * 2;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return clq_fail_memory(error, NULL);
    }
    for (size_t i = 0; i < names->capacity; i++) {
        if (names->slots[i].name != NULL) {
            *find_slot(&larger, names->slots[i].name) = names->slots[i];
        }
    }
    free(names->slots);
    *names = larger;
    return CLQ_OK;
}

void clq_names_init(clq_names *names, const clq_names *like)
{
    memset(names, 0, sizeof *names);
    if (like != NULL) {
        memcpy(names->key, like->key, sizeof names->key);
    } else {
        clq_random_bytes(names->key, sizeof names->key);
    }
}

void clq_names_release(clq_names *names)
{
    free(names->slots);
    names->slots = NULL;
    names->capacity = 0;
    names->count = 0;
}

clq_status clq_names_add(clq_names *names, const char *name, size_t value, size_t *existing, clq_error *error)
{
    struct clq_name_slot *slot = NULL;
    *existing = SIZE_MAX;
    if (names->count >= names->capacity - names->capacity / 4) {
        CLQ_TRY(grow(names, error));
    }
    slot = find_slot(names, name);
    if (slot->name != NULL) {
        *existing = slot->value;
        return CLQ_OK;
    }
    slot->name = name;
    slot->value = value;
    names->count++;
    return CLQ_OK;
}

size_t clq_names_find(const clq_names *names, const char *name)
{
    const struct clq_name_slot *slot = NULL;
    if (names->count == 0) {
        return SIZE_MAX;
    }
    slot = find_slot(names, name);
    return slot->name != NULL ? slot->value : SIZE_MAX;
}
