/* What the server needs of Linux to run step hosts and Swift's Glibc module does not offer: pidfd, epoll, spawning with
 * a fixed set of descriptors. Used by StepHosting only; no part of the contract with plugins.
 */
#ifndef STEP_PROCESS_H
#define STEP_PROCESS_H

#if defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "step_wire.h"

#ifndef POSIX_SPAWN_SETSID
#define POSIX_SPAWN_SETSID 0x80
#endif

/* glibc 2.34; its header hides it from modules compiled without _GNU_SOURCE. */
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);

enum {
    STEP_POLL_READ = EPOLLIN,
    STEP_POLL_WRITE = EPOLLOUT,
    STEP_POLL_GONE = EPOLLHUP | EPOLLERR
};

typedef struct step_poll_event {
    uint64_t token;
    uint32_t events; /* STEP_POLL_ */
} step_poll_event;

/* Keeps other processes of the user from this one's memory and descriptors, by ptrace and by /proc. 0, or -1. */
static inline int step_refuse_inspection(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* A descriptor that becomes readable when the process ends; -1 and errno otherwise. */
static inline int step_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static inline int step_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int step_poll_add(int poll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int step_poll_change(int poll, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event);
}

static inline int step_poll_remove(int poll, int descriptor) {
    return epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, NULL);
}

#define STEP_POLL_EVENTS_MAX 64

/* Waits for at most STEP_POLL_EVENTS_MAX events; the number of them, or -1 and errno. */
static inline int step_poll_wait(int poll, step_poll_event *events, int timeout_ms) {
    struct epoll_event raw[STEP_POLL_EVENTS_MAX];
    int count = epoll_wait(poll, raw, STEP_POLL_EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) events[i] = (step_poll_event){raw[i].data.u64, raw[i].events};
    return count;
}

/* A pipe that no other new process inherits: the reading end, then the writing one. */
static inline int step_pipe_create(int *ends) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

static inline int step_wakeup_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/* Starts `path` in a session of its own with channel, out and err as STEP_WIRE_FD, 1 and 2, /dev/null as 0, no other
 * descriptor, no blocked signal and default handlers. The descriptors given must lie above STEP_WIRE_FD.
 * 0, or the error number. */
static inline int step_spawn(
    const char *path, char *const *arguments, char *const *environment, int channel, int out, int err, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    sigemptyset(&none);
    sigfillset(&all);
    if ((error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0)) == 0
        && (error = posix_spawn_file_actions_adddup2(&actions, out, 1)) == 0
        && (error = posix_spawn_file_actions_adddup2(&actions, err, 2)) == 0
        && (error = posix_spawn_file_actions_adddup2(&actions, channel, STEP_WIRE_FD)) == 0
        && (error = posix_spawn_file_actions_addclosefrom_np(&actions, STEP_WIRE_FD + 1)) == 0
        && (error = posix_spawnattr_setsigmask(&attributes, &none)) == 0
        && (error = posix_spawnattr_setsigdefault(&attributes, &all)) == 0
        && (error = posix_spawnattr_setflags(
                &attributes,
                (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))) == 0)
        error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Collects the process if it has ended: 1 and its signal or else its exit status, 0 while it runs, -1 and errno. */
static inline int step_collect(pid_t pid, int *signal_number, int *exit_status) {
    int status = 0;
    pid_t collected;
    do collected = waitpid(pid, &status, WNOHANG); while (collected < 0 && errno == EINTR);
    if (collected <= 0) return (int)collected;
    *signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return 1;
}

#endif
#endif
