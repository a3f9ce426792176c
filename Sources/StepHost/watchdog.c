#include "watchdog.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "calls.h"
#include "channel.h"
#include "settings.h"
#include "step_wire.h"

#define TICK_MS 20
#define SLOW_MS 50
#define TICKS_BEFORE_PARKING 50 /* a second without an entry: no more wake-ups until there is one */

static sem_t wake;
static atomic_bool parked;
static atomic_uint activity; /* changes with each entry, so that one entry is reported once */
static _Atomic uint64_t entered_ns; /* 0: the reader is not in the plugin */
static _Atomic uint64_t entered_call;
static _Atomic uint8_t entered_what;

void watchdog_wake(void) {
    atomic_fetch_add(&activity, 1);
    if (atomic_load(&parked) && atomic_exchange(&parked, false)) sem_post(&wake);
}

void watchdog_enter(uint8_t what, step_call_id call) {
    atomic_store_explicit(&entered_what, what, memory_order_relaxed);
    atomic_store_explicit(&entered_call, call, memory_order_relaxed);
    atomic_store(&entered_ns, monotonic_ns());
    watchdog_wake();
}

void watchdog_leave(void) { atomic_store(&entered_ns, 0); }

static void report_slow(uint64_t *reported_ns) {
    uint64_t since = atomic_load(&entered_ns);
    if (since == 0 || since == *reported_ns || monotonic_ns() - since < SLOW_MS * 1000000ull) return;
    uint8_t what = atomic_load(&entered_what);
    uint64_t call = atomic_load(&entered_call);
    if (atomic_load(&entered_ns) != since) return; /* it returned while we looked */
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_SLOW, call);
    frame_put(&frame, &what, sizeof what);
    channel_lock();
    /* Never waits here: the plugin's calls to its host want the lock. A full buffer is looked at again next tick. */
    if (channel_send_or_drop(&frame)) *reported_ns = since;
    channel_unlock();
}

/* While the plugin keeps the reader, nobody else would see that the server has gone. */
static void exit_when_server_is_gone(void) {
    struct pollfd channel = {.fd = channel_descriptor(), .events = POLLRDHUP};
    if (poll(&channel, 1, 0) > 0 && (channel.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) _exit(0);
}

static void *run(void *unused) {
    (void)unused;
    uint64_t reported_ns = 0;
    unsigned seen = 0;
    int quiet_ticks = 0;
    for (;;) {
        poll(NULL, 0, TICK_MS);
        report_slow(&reported_ns);
        calls_flush_due();
        if (atomic_load(&entered_ns) != 0) exit_when_server_is_gone();

        unsigned now = atomic_load(&activity);
        bool busy = now != seen || atomic_load(&entered_ns) != 0 || calls_held_back();
        seen = now;
        quiet_ticks = busy ? 0 : quiet_ticks + 1;
        if (quiet_ticks < TICKS_BEFORE_PARKING) continue;

        atomic_store(&parked, true);
        if (atomic_load(&activity) != seen && atomic_exchange(&parked, false)) continue;
        while (sem_wait(&wake) != 0 && errno == EINTR) continue;
        quiet_ticks = 0;
    }
    return NULL;
}

void watchdog_start(void) {
    sem_init(&wake, 0, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 256u << 10);
    /* A signal meant for the process must not run a plugin's handler on this thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, &attributes, run, NULL) != 0) _exit(EXIT_NO_THREAD); /* the server tries again */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}
