#include "crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES_MAX 64
#define STACK_BYTES (128u << 10)
#define REPORT_SECONDS_MAX 2

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
static pthread_key_t stack_key, started_key;
static atomic_llong places; /* for threads not started yet */
static atomic_int reporting_thread; /* 0: none */
static volatile sig_atomic_t signal_reported;

struct line {
    char text[1024];
    size_t used;
};

static void put(struct line *line, const char *text) {
    size_t count = strlen(text);
    if (count > sizeof line->text - line->used) count = sizeof line->text - line->used;
    memcpy(line->text + line->used, text, count);
    line->used += count;
}

static void put_number(struct line *line, uint64_t value, unsigned base) {
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do digits[--at] = "0123456789abcdef"[value % base]; while ((value /= base) != 0);
    put(line, digits + at);
}

static void write_line(struct line *line) {
    put(line, "\n");
    (void)!write(STDERR_FILENO, line->text, line->used);
    line->used = 0;
}

static void die_of(int number) {
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

/* The report hangs, for instance on a lock the crash left behind: die of the first signal all the same. */
static void give_up(int number) {
    (void)number;
    die_of(signal_reported);
}

static void report(int number, siginfo_t *info, void *context) {
    (void)context;
    int before = errno;
    int self = (int)syscall(SYS_gettid), nobody = 0;
    if (!atomic_compare_exchange_strong(&reporting_thread, &nobody, self)) {
        if (nobody == self) die_of(signal_reported); /* the report itself crashed */
        for (;;) pause();                            /* another thread's report ends the process */
    }
    signal_reported = number;
    signal(SIGALRM, give_up);
    alarm(REPORT_SECONDS_MAX);

    struct line line = {.used = 0};
    put(&line, "stepstream-crash: signal ");
    put_number(&line, (uint64_t)number, 10);
    if (info != NULL && (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE)) {
        put(&line, " address 0x");
        put_number(&line, (uint64_t)(uintptr_t)info->si_addr, 16);
    }
    write_line(&line);

    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    for (int i = 1; i < count; i++) { /* 0 is this handler */
        Dl_info image;
        put(&line, "stepstream-frame: ");
        if (dladdr(frames[i], &image) != 0 && image.dli_fname != NULL) {
            put(&line, image.dli_fname);
            put(&line, "+0x");
            put_number(&line, (uint64_t)((uintptr_t)frames[i] - (uintptr_t)image.dli_fbase), 16);
            if (image.dli_sname != NULL) {
                put(&line, " ");
                put(&line, image.dli_sname);
            }
        } else {
            put(&line, "?+0x");
            put_number(&line, (uint64_t)(uintptr_t)frames[i], 16);
        }
        write_line(&line);
    }
    alarm(0);
    errno = before;
    die_of(number);
}

/* A stack of its own for each thread's handler, or a stack overflow would leave no report. */
static void give_stack(void) {
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) return; /* then only overflows go unreported */
    stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};
    if (sigaltstack(&alternate, NULL) == 0) pthread_setspecific(stack_key, stack);
    else munmap(stack, STACK_BYTES);
}

static void take_stack(void *stack) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    munmap(stack, STACK_BYTES);
}

struct start {
    void *(*routine)(void *);
    void *argument;
};

static void give_place(void *started) {
    (void)started;
    atomic_fetch_add(&places, 1);
}

static bool take_place(void) {
    if (atomic_fetch_sub(&places, 1) > 0) return true;
    give_place(NULL);
    return false;
}

static void *start_with_stack(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    pthread_setspecific(started_key, &started_key);
    give_stack();
    return start.routine(start.argument);
}

static int (*libc_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Found before libc's by whatever the plugin brings, because the executable exports it: every thread of a Swift or C
 * runtime gets its stack and is counted. */
__attribute__((visibility("default"))) int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument) {
    if (libc_create == NULL) return EAGAIN;
    struct start *start = malloc(sizeof *start);
    if (start == NULL || !take_place()) {
        free(start);
        return EAGAIN;
    }
    *start = (struct start){routine, argument};
    int status = libc_create(thread, attributes, start_with_stack, start);
    if (status != 0) {
        give_place(NULL);
        free(start);
    }
    return status;
}

void crash_install(uint64_t threads_max) {
    uint64_t any = INT64_MAX - 1;
    /* One more for the watchdog. */
    atomic_store(&places, (long long)(threads_max == 0 || threads_max > any ? any : threads_max) + 1);
    void *symbol = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&libc_create, &symbol, sizeof libc_create);
    pthread_key_create(&stack_key, take_stack);
    pthread_key_create(&started_key, give_place);
    give_stack();
    /* The first backtrace loads libgcc_s, which a handler must not do. */
    void *frames[4];
    (void)backtrace(frames, 4);
    struct sigaction action = {.sa_sigaction = report, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal_signals / sizeof *fatal_signals; i++)
        sigaction(fatal_signals[i], &action, NULL);
}
