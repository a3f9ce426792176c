/* What the step host takes from itself. Each measure may be missing on a machine; the result says which hold. */
#ifndef STEP_HOST_CONFINEMENT_H
#define STEP_HOST_CONFINEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "elf_check.h"
#include "settings.h"

/* At start: own session, no inherited descriptors, death with the parent, limits. */
uint32_t confine_at_start(const struct settings *settings);

/* Before the first code of the plugin: unprivileged user, its tasks, NO_NEW_PRIVS, Landlock, seccomp. Changes *confined.
 * False only when the process could not give up root. */
bool confine_before_load(
    const struct settings *settings, const char *path, int file, const char *run_path, uint32_t *confined,
    struct problem *problem);

/* What the plugin may write, opened before root is given up: the user it becomes may be unable to pass the directories
 * above. */
struct writable {
    int tmp; /* -1: none */
    int paths[WRITABLE_PATHS_MAX];
    int count;
};

/* tasks.c: the tasks of the user on this machine, as RLIMIT_NPROC counts them; false without /proc. */
bool tasks_of_user(uid_t uid, uint64_t *tasks);
/* landlock.c: reads as told, writes only what is in `writable`, no TCP. */
bool landlock_apply(
    const struct settings *settings, const char *path, int file, const char *run_path, const struct writable *writable);
/* seccomp.c */
bool seccomp_apply(const struct settings *settings);

#endif
