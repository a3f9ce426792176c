/* Command line of the step host. Every flag is optional; the channel is always descriptor STEP_WIRE_FD.
 *
 *   --uid N, --gid N      identity to change to when started as root; default 65534
 *   --limit-nofile N      RLIMIT_NOFILE; default 256
 *   --limit-data BYTES    RLIMIT_DATA; default 1 GiB; 0: leave as inherited
 *   --limit-address BYTES RLIMIT_AS, which counts what RLIMIT_DATA does not: shared and reserved memory; default: as
 *                         inherited. Sanitizers reserve terabytes and need it left out
 *   --limit-fsize BYTES   RLIMIT_FSIZE; default 64 MiB; 0: leave as inherited
 *   --limit-threads N     threads the plugin may have at a time; default 128; 0: any number. Those it starts past
 *                         pthread_create count for --limit-tasks only
 *   --limit-tasks N       RLIMIT_NPROC: processes and threads that the user may have beyond those it has, on the whole
 *                         machine, when the plugin is loaded; so it is for all step hosts together. Default 8192; 0:
 *                         as inherited
 *   --limit-cpu SECONDS   RLIMIT_CPU; default: as inherited. For processes that run one call only
 *   --tmp DIR             a private place the plugin may write; given to the unprivileged user, made the working
 *                         directory and TMPDIR. It may lie under directories that user cannot pass
 *   --rw PATH             a further path the plugin may read and write, as far as its owner and mode let the
 *                         unprivileged user; must exist; repeatable
 *   --ro PATH             a further path the plugin may read; repeatable
 *   --library-path DIR    a further directory of shared libraries: the plugin may read it, and its RUNPATH may name it
 *                         or what is below it; repeatable
 *   --require MEASURE     no_new_privs, seccomp or landlock: without it the plugin is not loaded; repeatable
 *   --allow-processes     permits fork and exec
 *   --allow-tcp           permits internet sockets
 *   --parent-pid N        exit unless getppid() is N once the parent-death signal is set
 *   --unconfined MEASURE  leaves out landlock, seccomp, rlimits or uid; repeatable, for development
 *   --landlock-abi-max N  uses no more of Landlock than ABI N has; 0: none. For tests of older kernels
 *
 * Exit statuses: 0 channel closed or CLOSE; 64 bad flag; 70 malformed frame from the server; 71 parent gone;
 * 74 the channel failed (for example closed by the plugin).
 */
#ifndef STEP_HOST_SETTINGS_H
#define STEP_HOST_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define READABLE_PATHS_MAX 64
#define WRITABLE_PATHS_MAX 16
#define LIBRARY_PATHS_MAX 64

enum { EXIT_USAGE = 64, EXIT_PROTOCOL = 70, EXIT_ORPHAN = 71, EXIT_CHANNEL = 74, EXIT_NO_THREAD = 75 };

struct settings {
    uid_t uid;
    gid_t gid;
    uint64_t nofile, data_bytes, address_bytes, fsize_bytes, threads, tasks, cpu_seconds;
    const char *tmp;
    const char *readable[READABLE_PATHS_MAX];
    int readable_count;
    const char *writable[WRITABLE_PATHS_MAX];
    int writable_count;
    const char *libraries[LIBRARY_PATHS_MAX];
    int libraries_count;
    uint32_t required; /* STEP_CONFINED_ bits */
    uint64_t landlock_abi_max;
    bool allow_processes, allow_tcp;
    bool skip_landlock, skip_seccomp, skip_rlimits, skip_uid;
    pid_t parent_pid;
};

/* Exits with EXIT_USAGE and a line on stderr when a flag is not understood. */
void settings_parse(struct settings *settings, int argc, char **argv);

#endif
