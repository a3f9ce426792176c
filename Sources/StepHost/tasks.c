#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confinement.h"

#define STATUS_BYTES 8192 /* /proc/PID/status; only a long list of groups makes it larger than 2 KiB */

/* The number after `name` at the beginning of a line. */
static bool field(const char *status, const char *name, uint64_t *value) {
    const char *line = strstr(status, name);
    if (line == NULL) return false;
    *value = strtoull(line + strlen(name), NULL, 10);
    return true;
}

/* The threads of one process when it is the user's, otherwise 0; also when it has ended meanwhile. */
static uint64_t tasks_of(int proc, const char *process, uid_t uid) {
    char path[32], status[STATUS_BYTES];
    snprintf(path, sizeof path, "%.20s/status", process);
    int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t count = read(file, status, sizeof status - 1);
    close(file);
    if (count <= 0) return 0;
    status[count] = '\0';
    uint64_t owner, threads;
    if (!field(status, "\nUid:", &owner) || owner != uid || !field(status, "\nThreads:", &threads)) return 0;
    return threads;
}

/* In a container the processes of others are not seen and the kernel counts them all the same: then the user gets less
 * than it is told. */
bool tasks_of_user(uid_t uid, uint64_t *tasks) {
    DIR *proc = opendir("/proc");
    if (proc == NULL) return false;
    *tasks = 0;
    const struct dirent *entry;
    while ((entry = readdir(proc)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            *tasks += tasks_of(dirfd(proc), entry->d_name, uid);
    closedir(proc);
    return *tasks > 0; /* this process is one */
}
