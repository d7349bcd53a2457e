/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_programs FILE [DEVICE]: compiled programs in a file of the program's own, in place of a cache folder. The first
 * run makes the file; later ones map it and compile nothing, until the device, its driver or the library is another.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clquant/clquant.h>

typedef struct kept {
    void *data; /* mapped; NULL: there is no file */
    size_t bytes;
} kept;

/* What cannot be read is as good as no file. A program that others may write to is no program to trust. */
static kept map_file(const char *path)
{
    kept k = {NULL, 0};
    struct stat info;
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return k;
    }
    if (fstat(fd, &info) == 0 && info.st_size > 0 && info.st_uid == geteuid() && (info.st_mode & 022) == 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            k = (kept){data, (size_t)info.st_size};
        }
    }
    (void)close(fd);
    return k;
}

/* Beside its place, then renamed: a map of the old one stays whole. 0: not written. */
static int write_file(const char *path, const void *data, size_t bytes)
{
    char beside[4096];
    int fd = -1;
    int written = snprintf(beside, sizeof beside, "%s.new", path) < (int)sizeof beside &&
                  (fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600)) >= 0;
    for (size_t done = 0; written && done < bytes;) {
        const ssize_t put = write(fd, (const char *)data + done, bytes - done);
        written = put > 0;
        done += put > 0 ? (size_t)put : 0;
    }
    if (fd >= 0) {
        written = close(fd) == 0 && written && rename(beside, path) == 0;
    }
    return written;
}

static int export_to(clq_context *context, const char *path, clq_error *e)
{
    uint64_t bytes = 0;
    void *data = NULL;
    int written =
        clq_context_export_programs(context, NULL, 0, &bytes, e) == CLQ_OK && (data = malloc((size_t)bytes)) != NULL &&
        clq_context_export_programs(context, data, bytes, &bytes, e) == CLQ_OK && write_file(path, data, (size_t)bytes);
    free(data);
    return written;
}

/* All that the program will run: here quantizing vectors of any length. */
static clq_status prepare(clq_context *context, clq_error *e)
{
    clq_quantization q;
    clq_quantization_init(&q);
    q.layout.rank = 1;
    q.layout.shape[0] = 1000;
    return clq_prepare(context, CLQ_OP_QUANTIZE, &q, e);
}

static void count_built(void *cookie, clq_log_level level, const char *message)
{
    int *built = cookie;
    (void)level;
    *built += message[0] == 'b' && message[1] == 'u' && message[2] == 'i'; /* "built kernels/..." */
}

int main(int argc, char **argv)
{
    clq_context *context = NULL;
    clq_error e = {0};
    uint64_t taken = 0;
    int built = 0;
    kept k = {NULL, 0};
    int bad = argc < 2 || argc > 3;
    if (bad) {
        fprintf(stderr, "usage: kept_programs FILE [DEVICE]\n");
        return 2;
    }
    k = map_file(argv[1]);
    bad = clq_context_create(argc == 3 ? argv[2] : "auto", &context, &e) != CLQ_OK;
    if (!bad) {
        clq_context_set_log(context, count_built, &built);
        bad = clq_context_keep_programs(context, &e) != CLQ_OK;
    }
    if (!bad && k.data != NULL && clq_context_add_programs(context, k.data, k.bytes, &taken, &e) != CLQ_OK) {
        fprintf(stderr, "%s is not used: %s\n", argv[1], e.message);
    }
    bad = bad || prepare(context, &e) != CLQ_OK;
    if (!bad && (built > 0 || k.data == NULL) && !export_to(context, argv[1], &e)) {
        fprintf(stderr, "%s is not written\n", argv[1]);
    }
    clq_context_destroy(&context);
    if (k.data != NULL) {
        (void)munmap(k.data, k.bytes); /* only now: the context reads where it lies */
    }
    if (bad) {
        fprintf(stderr, "%s\n", e.message);
        return 1;
    }
    printf("%d compiled, %llu taken from the file\n", built, (unsigned long long)taken);
    return 0;
}
