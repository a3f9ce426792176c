/* 12: starts threads and keeps them: with pthread_create, or, for the input 2, by the system call behind every library.
 * Says how many it got and what stopped it. */
#include "fixture.h"
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define THREADS_MAX 2000 /* stops by itself where nothing else does */
#define STACK_BYTES (16u << 10)

static int sleeps(void *unused) {
    (void)unused;
    for (;;) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    return 0;
}

static void *body(void *unused) { sleeps(unused); return NULL; }

static int by_library(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_t thread;
    return pthread_create(&thread, &attributes, body, NULL);
}

static int by_kernel(void) {
    char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) return errno;
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    return clone(sleeps, stack + STACK_BYTES, flags, NULL) > 0 ? 0 : errno;
}

static int32_t act(const step_call *call) {
    int (*start)(void) = equals(call->input, "2") ? by_kernel : by_library;
    int started = 0, failed = 0;
    while (started < THREADS_MAX && (failed = start()) == 0) started++;
    char output[64];
    snprintf(output, sizeof output, "[%d,%d]", started, failed);
    complete(call->id, output);
    return 0;
}
