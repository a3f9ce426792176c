#include "FuzzSupport.h"

#include <sanitizer/allocator_interface.h>
#include <stdatomic.h>
#include <time.h>

static atomic_llong live_bytes;
static atomic_llong peak_bytes;
static long long base_bytes;

static void allocated(const volatile void *memory, size_t bytes) {
    (void)memory;
    long long live = atomic_fetch_add_explicit(&live_bytes, (long long)bytes, memory_order_relaxed) + (long long)bytes;
    long long peak = atomic_load_explicit(&peak_bytes, memory_order_relaxed);
    while (live > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, live)) {}
}

static void freed(const volatile void *memory) {
    if (!memory) return;
    long long bytes = (long long)__sanitizer_get_allocated_size((const void *)memory);
    atomic_fetch_sub_explicit(&live_bytes, bytes, memory_order_relaxed);
}

void fuzz_heap_watch(void) { __sanitizer_install_malloc_and_free_hooks(allocated, freed); }

void fuzz_heap_begin(void) {
    base_bytes = atomic_load(&live_bytes);
    atomic_store(&peak_bytes, base_bytes);
}

size_t fuzz_heap_peak(void) { return (size_t)(atomic_load(&peak_bytes) - base_bytes); }

uint64_t fuzz_cpu_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
