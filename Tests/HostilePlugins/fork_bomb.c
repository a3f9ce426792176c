/* 12: forks and keeps the children, in each way the kernel has; says how many it got and what stopped the last. */
#include "fixture.h"
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>

#define FORKS_MAX 50 /* stops by itself where nothing else does */

static pid_t by_clone(void) { return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); }

static pid_t by_clone3(void) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static pid_t by_spawn(void) {
    char *const arguments[] = {"/bin/sleep", "600", NULL};
    pid_t child;
    int failed = posix_spawn(&child, arguments[0], NULL, NULL, arguments, NULL);
    if (failed != 0) errno = failed;
    return failed == 0 ? child : -1;
}

static int32_t act(const step_call *call) {
    static pid_t (*const ways[])(void) = {fork, by_clone, by_clone3, by_spawn};
    int forked = 0;
    errno = 0;
    for (int i = 0; i < FORKS_MAX; i++) {
        pid_t child = ways[i % 4]();
        if (child == 0) for (;;) pause();
        if (child > 0) forked++;
    }
    char output[64];
    snprintf(output, sizeof output, "[%d,%d]", forked, errno);
    complete(call->id, output);
    return 0;
}
