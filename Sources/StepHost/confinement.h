/* What the step host takes from itself. Each measure may be missing on a machine; the result says which hold. */
#ifndef STEP_HOST_CONFINEMENT_H
#define STEP_HOST_CONFINEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "elf_check.h"
#include "settings.h"

/* What holds: STEP_CONFINED_ bits, and the version of Landlock in force (0: none). */
struct confined {
    uint32_t measures, landlock_abi;
};

/* At start: own session, no inherited descriptors, death with the parent, limits. */
struct confined confine_at_start(const struct settings *settings);

/* Call before the plugin's first code and before any second thread exists: the measures bind the calling thread and the
 * threads it starts. Changes to the unprivileged user and applies its task limit, NO_NEW_PRIVS, Landlock and seccomp.
 * False if root could not be given up, a second thread exists, or a measure of `settings->required` is missing. */
bool confine_before_load(
    const struct settings *settings, const char *path, int file, struct confined *confined, struct problem *problem);

/* What the plugin may write, opened before root is given up: the user it becomes may be unable to pass the directories
 * above. */
struct writable {
    int tmp; /* -1: none */
    int paths[WRITABLE_PATHS_MAX];
    int count;
};

/* tasks.c: the tasks of the user on this machine, as RLIMIT_NPROC counts them; false without /proc. */
bool tasks_of_user(uid_t uid, uint64_t *tasks);
/* landlock.c: reads as told, writes only what is in `writable`, no TCP. The ABI in force, 0 when there is none. */
uint32_t landlock_apply(const struct settings *settings, int file, const struct writable *writable);
/* seccomp.c */
bool seccomp_apply(const struct settings *settings);

/* libraries.c: false, with the problem, if a RUNPATH names a directory that is neither the system's nor given by
 * --library-path. The plugin could not read such a directory anyway; refusing it at load says why. $ORIGIN, which every
 * Swift package has, and directories that do not exist are ignored, and nothing is granted for them. */
bool libraries_check(const struct settings *settings, const char *run_path, struct problem *problem);
/* The system's directories of libraries, NULL at the end. */
extern const char *const library_directories[];

#endif
