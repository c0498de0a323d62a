/* A disk that remembers only what was synced.
 *
 * Loaded before the C library. Whenever a file of the folder POWER_FOLDER is synced, its bytes as they are
 * then are copied to the folder POWER_DISK; whenever the folder itself is synced, the names in it are
 * written down. Bytes that were written and not synced, and files whose names were not synced, are not
 * there: what POWER_DISK holds is what a machine would find after its power was cut.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Replaces a file on the disk at once or not at all. */
static int replace(const char *name, int (*fill)(int, const char *), const char *from) {
    char half[PATH_MAX], whole[PATH_MAX];
    const char *disk = getenv("POWER_DISK");
    snprintf(half, sizeof half, "%s/.half", disk);
    snprintf(whole, sizeof whole, "%s/%s", disk, name);
    int out = open(half, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0 || fill(out, from) < 0 || close(out) < 0) return -1;
    return rename(half, whole);
}

static int copy(int out, const char *from) {
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY);
    if (in < 0) return -1;
    ssize_t got;
    while ((got = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, got) != got) return -1;
    close(in);
    return got < 0 ? -1 : 0;
}

static int names(int out, const char *folder) {
    DIR *open_folder = opendir(folder);
    if (!open_folder) return -1;
    struct dirent *entry;
    while ((entry = readdir(open_folder)))
        if (entry->d_type == DT_REG) dprintf(out, "%s\n", entry->d_name);
    return closedir(open_folder);
}

static int synced(int fd) {
    char link[64], path[PATH_MAX];
    const char *folder = getenv("POWER_FOLDER");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!folder || length < 0) return 0;
    path[length] = 0;
    size_t prefix = strlen(folder);
    if (strcmp(path, folder) == 0) return replace(".names", names, folder);
    if (strncmp(path, folder, prefix) == 0 && path[prefix] == '/') return replace(path + prefix + 1, copy, path);
    return 0;
}

int fsync(int fd) { return synced(fd); }
int fdatasync(int fd) { return synced(fd); }
