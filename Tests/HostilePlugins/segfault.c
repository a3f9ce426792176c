/* 1: writes through a null pointer. */
#include "fixture.h"
__attribute__((noinline)) void the_guilty_function(volatile int *target) { *target = 1; }
static int32_t act(const step_call *call) {
    (void)call;
    fprintf(stderr, "about to crash\n");
    the_guilty_function(NULL);
    return 0;
}
