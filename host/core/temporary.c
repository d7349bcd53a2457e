/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#define _FILE_OFFSET_BITS 64

#include "core/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz234567";

enum { RANDOM_LETTERS = 6, NAME_ATTEMPTS = 100, DAY_SECONDS = 24 * 60 * 60 };

static clq_lock lock(int fd, int how)
{
    int result = 0;
    do {
        result = flock(fd, how | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return CLQ_LOCK_HELD;
    }
    return errno == EWOULDBLOCK ? CLQ_LOCK_TAKEN : CLQ_LOCK_NONE;
}

clq_lock clq_lock_file(int fd)
{
    return lock(fd, LOCK_EX);
}

clq_lock clq_share_file(int fd)
{
    return lock(fd, LOCK_SH);
}

int clq_is_named(int fd, int folder, const char *name)
{
    struct stat own, there;
    return fstat(fd, &own) == 0 && fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

int clq_make_locked(int folder, const char *name, mode_t mode)
{
    int fd = -1;
    do {
        fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    } while (fd < 0 && errno == EINTR);
    /* Before it was locked, another run may have taken it for what a dead one left: it is that run's then. */
    if (fd >= 0 && (clq_lock_file(fd) == CLQ_LOCK_TAKEN || !clq_is_named(fd, folder, name))) {
        close(fd);
        fd = -1;
        errno = EEXIST;
    }
    return fd;
}

/* Unlike those of others is enough: a file that is there is never opened. */
static void fill_in(char *letters)
{
    struct timespec now = {0, 0};
    uint64_t state = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    state = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^ (uint64_t)getpid() << 48 ^ (uintptr_t)&state;
    for (int i = 0; i < RANDOM_LETTERS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        letters[i] = LETTERS[state >> 59];
    }
}

int clq_temporary_make(int folder, char *name, mode_t mode)
{
    int fd = -1;
    for (int attempt = 0; attempt < NAME_ATTEMPTS && fd < 0 && (attempt == 0 || errno == EEXIST); attempt++) {
        fill_in(name + strlen(name) - RANDOM_LETTERS);
        fd = clq_make_locked(folder, name, mode);
    }
    return fd;
}

/*
 * Whether everybody who can open a file of the folder is told of its locks: on the file systems of disks and memory.
 * Those of networks, of FUSE and of virtual machines pass locks on, or do not, as they were mounted.
 */
static int locks_reach_everyone(int folder)
{
#ifdef __linux__
    static const uint32_t LOCAL[] = {
        0x0000EF53, /* ext2, ext3, ext4 */
        0x58465342, /* xfs */
        0x9123683E, /* btrfs */
        0x01021994, /* tmpfs */
        0x794C7630, /* overlayfs */
        0xF2F52010, /* f2fs */
        0x2FC12FC1, /* zfs */
        0xCA451A4E, /* bcachefs */
    };
    struct statfs facts;
    if (fstatfs(folder, &facts) == 0) {
        for (size_t i = 0; i < sizeof LOCAL / sizeof LOCAL[0]; i++) {
            if ((uint32_t)facts.f_type == LOCAL[i]) {
                return 1;
            }
        }
    }
#else
    (void)folder;
#endif
    return 0;
}

/* Of this user, and nothing that opening would do something to, or wait for. */
static int is_own_file(const struct stat *facts)
{
    return S_ISREG(facts->st_mode) && facts->st_uid == geteuid();
}

static void remove_if_left(int folder, const char *name, int any_age)
{
    struct stat facts;
    int fd = -1;
    if (fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !is_own_file(&facts)) {
        return;
    }
    fd = openat(folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return;
    }
    /* The name comes after the lock: its writer may have given the file its final one, or another have removed it. */
    if (fstat(fd, &facts) == 0 && is_own_file(&facts) && (any_age || facts.st_mtime < time(NULL) - DAY_SECONDS) &&
        clq_lock_file(fd) == CLQ_LOCK_HELD && clq_is_named(fd, folder, name)) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

void clq_temporary_remove_left(int folder, const char *name)
{
    const size_t length = strlen(name) - RANDOM_LETTERS;
    const int any_age = locks_reach_everyone(folder);
    /* With a position of its own. */
    const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    if (entries == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        const char *found = entry->d_name;
        if (strncmp(found, name, length) == 0 && strlen(found + length) == RANDOM_LETTERS &&
            strspn(found + length, LETTERS) == RANDOM_LETTERS) {
            remove_if_left(folder, found, any_age);
        }
    }
    closedir(entries);
}
