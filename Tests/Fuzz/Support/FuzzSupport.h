/* What the fuzzers measure: the heap memory of one input, by AddressSanitizer's hooks. */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* Call once, before the first input. */
void fuzz_heap_watch(void);

/* The bytes in use now are the base of the next peak. */
void fuzz_heap_begin(void);

/* The most bytes in use at one time since fuzz_heap_begin, above its base. */
size_t fuzz_heap_peak(void);

/* CPU time of this thread in nanoseconds: unlike wall time, other processes do not add to it. */
uint64_t fuzz_cpu_nanoseconds(void);

#endif
