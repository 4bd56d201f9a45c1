/*
 * Makes calls that change files fail, as a full, broken or read-only disk does, or ends the process at one. Loaded by
 * LD_PRELOAD.
 *
 * What fails is written by the test into a file that both map (FAULTS_CONTROL names it), so it changes while the
 * server runs: the n-th call of the wanted kinds, in the wanted process, on paths that hold the wanted text, once or
 * from then on. Each call that fits is counted, so that the test can tell that there was work.
 *
 * Other processes that inherit the environment (Spark's JVM) see another pid in the file and are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, WRITE, TRUNCATE, RENAME, SYNC, REMOVE, MAKE, KINDS };

/* The layout is that of `Disk` in disk.py. */
struct control {
    _Atomic int32_t pid;      /* of the process whose calls count; 0: none */
    int32_t kinds;            /* a bit for each kind that counts */
    int32_t error;            /* the errno of a call that fails; below zero, the signal that it ends the process by */
    int32_t lasting;          /* whether those after the n-th fail too */
    int64_t nth;              /* which call fails, from 1 on; 0: none, they are counted only */
    _Atomic int64_t seen;     /* calls that counted */
    _Atomic int64_t failed;   /* those that failed */
    char text[512];           /* what a path has to hold */
    char path[512];           /* the path of the first call that failed */
    int32_t kind;             /* and its kind */
};

static struct control *control;

__attribute__((constructor)) static void map_control(void)
{
    const char *name = getenv("FAULTS_CONTROL");
    int file = name ? (int)(intptr_t)openat(AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        control = mapped;
}

/* Whether a call of this kind on this path has to fail; sets errno then. */
static int fails(enum kind kind, const char *path)
{
    if (!strstr(path, control->text))
        return 0;
    int64_t number = atomic_fetch_add(&control->seen, 1) + 1;
    if (!control->nth || number < control->nth || (number > control->nth && !control->lasting))
        return 0;
    if (atomic_fetch_add(&control->failed, 1) == 0) {
        snprintf(control->path, sizeof control->path, "%s", path);
        control->kind = kind;
    }
    if (control->error < 0)
        kill(getpid(), -control->error);
    errno = control->error;
    return 1;
}

static int counts(enum kind kind)
{
    return control && atomic_load(&control->pid) == getpid() && (control->kinds & (1 << kind));
}

static int path_fails(enum kind kind, const char *path)
{
    return path && counts(kind) && fails(kind, path);
}

/* A full disk opens what is there already. */
static int open_fails(const char *path)
{
    if (!path || !counts(OPEN))
        return 0;
    int kept = errno, there = control->error == ENOSPC && access(path, F_OK) == 0;
    errno = kept;
    return !there && fails(OPEN, path);
}

static int file_fails(enum kind kind, int file)
{
    char link[32], path[PATH_MAX];
    if (!counts(kind))
        return 0;
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (length <= 0)
        return 0;
    path[length] = 0;
    return fails(kind, path);
}

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) \
        next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FILE_CALL(kind, result, name, given, passed) \
    result name given \
    { \
        NEXT(name); \
        return file_fails(kind, file) ? -1 : next passed; \
    }

#define PATH_CALL(kind, name, given, passed) \
    int name given \
    { \
        NEXT(name); \
        return path_fails(kind, path) ? -1 : next passed; \
    }

#define OPEN_CALL(name, given, passed) \
    int name given \
    { \
        NEXT(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)); \
        return writes && open_fails(path) ? -1 : next passed; \
    }

OPEN_CALL(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN_CALL(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN_CALL(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN_CALL(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

FILE_CALL(WRITE, ssize_t, write, (int file, const void *data, size_t size), (file, data, size))
FILE_CALL(WRITE, ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
FILE_CALL(WRITE, ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
FILE_CALL(WRITE, ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
FILE_CALL(WRITE, ssize_t, pwritev, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at))
FILE_CALL(WRITE, ssize_t, pwritev64, (int file, const struct iovec *parts, int count, off64_t at),
          (file, parts, count, at))

FILE_CALL(TRUNCATE, int, ftruncate, (int file, off_t size), (file, size))
FILE_CALL(TRUNCATE, int, ftruncate64, (int file, off64_t size), (file, size))

FILE_CALL(SYNC, int, fsync, (int file), (file))
FILE_CALL(SYNC, int, fdatasync, (int file), (file))

PATH_CALL(RENAME, rename, (const char *from, const char *path), (from, path))
PATH_CALL(RENAME, renameat, (int away, const char *from, int folder, const char *path), (away, from, folder, path))

PATH_CALL(REMOVE, unlink, (const char *path), (path))
PATH_CALL(REMOVE, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))

PATH_CALL(MAKE, mkdir, (const char *path, mode_t mode), (path, mode))
PATH_CALL(MAKE, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
