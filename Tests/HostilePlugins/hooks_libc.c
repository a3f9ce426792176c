/* Overwrites libc's `poll` in memory, which the step host's watchdog thread calls, with code that tries to get out of
 * the sandbox. The reader's thread tries the same from `act`. Output: whether the hook ran, and how often something got
 * out. */
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static atomic_uint hooked, escaped;
static sem_t hooked_often;

/* By number: the functions of libc may be replaced. */
static void try_to_get_out(void) {
    if (syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0) atomic_fetch_add(&escaped, 1);
    if (syscall(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY) >= 0) atomic_fetch_add(&escaped, 1);
    if (syscall(SYS_openat, AT_FDCWD, "/etc", O_RDONLY | O_DIRECTORY) >= 0) atomic_fetch_add(&escaped, 1);
    if (syscall(SYS_kill, getppid(), 0) == 0) atomic_fetch_add(&escaped, 1);
}

static int hooked_poll(struct pollfd *descriptors, nfds_t count, int timeout) {
    try_to_get_out();
    if (atomic_fetch_add(&hooked, 1) == 2) sem_post(&hooked_often);
    struct timespec wait = {timeout / 1000, (timeout % 1000) * 1000000L};
    return (int)syscall(SYS_ppoll, descriptors, count, timeout < 0 ? NULL : &wait, NULL, 0);
}

/* An absolute jump, written over the beginning of the function. */
static bool replace(void *function, void *with) {
#if defined(__x86_64__)
    uint8_t jump[12] = {0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0};
    memcpy(jump + 2, &with, sizeof with);
#else
    uint32_t jump[4] = {0x58000050, 0xD61F0200};
    memcpy(jump + 2, &with, sizeof with);
#endif
    uintptr_t page = (uintptr_t)function & ~(uintptr_t)4095;
    if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return false;
    memcpy(function, jump, sizeof jump);
    __builtin___clear_cache(function, (char *)function + sizeof jump);
    return true;
}

static int32_t act(const step_call *call) {
    void *function, *with;
    int (*before)(struct pollfd *, nfds_t, int) = poll;
    int (*after)(struct pollfd *, nfds_t, int) = hooked_poll;
    sem_init(&hooked_often, 0, 0);
    memcpy(&function, &before, sizeof function);
    memcpy(&with, &after, sizeof with);
    if (!replace(function, with)) {
        complete(call->id, "\"not writable\"");
        return 0;
    }
    /* The watchdog looks while a call keeps the reader. */
    while (sem_wait(&hooked_often) != 0) continue;
    try_to_get_out();
    char output[64];
    snprintf(output, sizeof output, "{\"hooked\":true,\"escaped\":%u}", atomic_load(&escaped));
    complete(call->id, output);
    return 0;
}
