#include "confinement.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "step_wire.h"

static void close_from_to(unsigned first, unsigned last) {
    if (first > last) return;
    (void)syscall(SYS_close_range, first, last, 0);
}

/* Lowers a limit, never raises it. */
static bool limit(int resource, uint64_t value) {
    struct rlimit current;
    if (getrlimit(resource, &current) != 0) return false;
    if (current.rlim_max != RLIM_INFINITY && current.rlim_max < value) value = current.rlim_max;
    struct rlimit lowered = {value, value};
    return setrlimit(resource, &lowered) == 0;
}

/* The first thread's stack grows without counting for RLIMIT_DATA, up to the soft limit, which a plugin could raise. */
static bool limit_stack(void) {
    enum { STACK_BYTES = 8 << 20 };
    struct rlimit current;
    if (getrlimit(RLIMIT_STACK, &current) != 0) return false;
    return limit(RLIMIT_STACK, current.rlim_cur < STACK_BYTES ? current.rlim_cur : STACK_BYTES);
}

static bool apply_limits(const struct settings *settings) {
    bool applied = limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, settings->nofile) && limit_stack();
    if (settings->fsize_bytes != 0) applied = limit(RLIMIT_FSIZE, settings->fsize_bytes) && applied;
    if (settings->data_bytes != 0) applied = limit(RLIMIT_DATA, settings->data_bytes) && applied;
    if (settings->address_bytes != 0) applied = limit(RLIMIT_AS, settings->address_bytes) && applied;
    if (settings->cpu_seconds != 0) applied = limit(RLIMIT_CPU, settings->cpu_seconds) && applied;
    return applied;
}

/* The signal belongs to the thread that spawned this process, and a parent that died before is not seen. */
static bool die_with_parent(const struct settings *settings) {
    bool set = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (settings->parent_pid != 0 && getppid() != settings->parent_pid) _exit(EXIT_ORPHAN);
    return set;
}

struct confined confine_at_start(const struct settings *settings) {
    struct confined confined = {0};
    (void)setsid(); /* fails when the spawner did it already */
    unsigned channel = (unsigned)channel_descriptor();
    close_from_to(STDERR_FILENO + 1, channel - 1);
    close_from_to(channel + 1, ~0u);
    if (die_with_parent(settings)) confined.measures |= STEP_CONFINED_PDEATHSIG;
    if (!settings->skip_rlimits && apply_limits(settings)) confined.measures |= STEP_CONFINED_RLIMITS;
    return confined;
}

static bool give_up_root(const struct settings *settings, struct problem *problem) {
    if (settings->uid == 0 || settings->gid == 0)
        return problem_set(problem, "confinement_failed", "--uid 0 and --gid 0 are refused");
    if (settings->tmp != NULL && chown(settings->tmp, settings->uid, settings->gid) != 0)
        return problem_set(problem, "confinement_failed", "chown of %s: %s", settings->tmp, strerror(errno));
    if (setgroups(0, NULL) != 0 || setresgid(settings->gid, settings->gid, settings->gid) != 0
        || setresuid(settings->uid, settings->uid, settings->uid) != 0)
        return problem_set(
            problem, "confinement_failed", "cannot become user %u: %s", settings->uid, strerror(errno));
    /* Changing the user clears both: /proc/self would belong to root, and the parent's death go unnoticed. */
    (void)prctl(PR_SET_DUMPABLE, 1);
    (void)die_with_parent(settings);
    return true;
}

/* The kernel counts what the user has on the whole machine, whoever started it, and lets root have any number. */
static bool limit_tasks(const struct settings *settings) {
    uint64_t tasks;
    if (settings->tasks == 0) return true;
    return tasks_of_user(getuid(), &tasks) && limit(RLIMIT_NPROC, tasks + settings->tasks);
}

static bool open_writable(const struct settings *settings, struct writable *writable, struct problem *problem) {
    *writable = (struct writable){.tmp = -1};
    if (settings->tmp != NULL) {
        writable->tmp = open(settings->tmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (writable->tmp < 0)
            return problem_set(problem, "confinement_failed", "--tmp %s: %s", settings->tmp, strerror(errno));
    }
    for (int i = 0; i < settings->writable_count; i++) {
        int opened = open(settings->writable[i], O_PATH | O_CLOEXEC);
        if (opened < 0)
            return problem_set(problem, "confinement_failed", "--rw %s: %s", settings->writable[i], strerror(errno));
        writable->paths[writable->count++] = opened;
    }
    return true;
}

/* The descriptor leads there even where the path does not; then TMPDIR names it by the working directory. */
static bool enter_tmp(const struct settings *settings, const struct writable *writable, struct problem *problem) {
    if (fchdir(writable->tmp) != 0)
        return problem_set(problem, "confinement_failed", "chdir to %s: %s", settings->tmp, strerror(errno));
    (void)setenv("TMPDIR", access(settings->tmp, W_OK | X_OK) == 0 ? settings->tmp : "/proc/self/cwd", 1);
    return true;
}

static void close_writable(const struct writable *writable) {
    if (writable->tmp >= 0) close(writable->tmp);
    for (int i = 0; i < writable->count; i++) close(writable->paths[i]);
}

/* Landlock binds no thread that exists already. */
static bool is_single_threaded(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return false;
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(tasks)) != NULL) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count == 1;
}

static bool has_required(const struct settings *settings, const struct confined *confined, struct problem *problem) {
    uint32_t missing = settings->required & ~confined->measures;
    if (missing == 0) return true;
    return problem_set(
        problem, "confinement_missing",
        "this machine's kernel offers plugins no%s%s%s; the setting require_confinement says what a plugin may run "
        "without",
        missing & STEP_CONFINED_NO_NEW_PRIVS ? " no_new_privs" : "", missing & STEP_CONFINED_SECCOMP ? " seccomp" : "",
        missing & STEP_CONFINED_LANDLOCK ? " landlock" : "");
}

bool confine_before_load(
    const struct settings *settings, const char *path, int file, struct confined *confined, struct problem *problem) {
    struct writable writable;
    if (!is_single_threaded())
        return problem_set(problem, "confinement_failed", "%s: the process has a thread before it is confined", path);
    if (!open_writable(settings, &writable, problem)) return false;
    if (geteuid() == 0 && !settings->skip_uid && !give_up_root(settings, problem)) return false;
    if (geteuid() != 0) confined->measures |= STEP_CONFINED_UNPRIVILEGED;
    if (!settings->skip_rlimits && !limit_tasks(settings)) confined->measures &= ~(uint32_t)STEP_CONFINED_RLIMITS;
    if (settings->tmp == NULL) (void)!chdir("/");
    else if (!enter_tmp(settings, &writable, problem)) return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) confined->measures |= STEP_CONFINED_NO_NEW_PRIVS;
    if (!settings->skip_landlock) confined->landlock_abi = landlock_apply(settings, file, &writable);
    if (confined->landlock_abi > 0) confined->measures |= STEP_CONFINED_LANDLOCK;
    close_writable(&writable);
    if (!settings->skip_seccomp && seccomp_apply(settings)) confined->measures |= STEP_CONFINED_SECCOMP;
    return has_required(settings, confined, problem);
}
