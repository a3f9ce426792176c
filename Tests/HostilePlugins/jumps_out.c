/* 26: longjmp to a frame that is gone. */
#include "fixture.h"
#include <setjmp.h>
static jmp_buf place;
__attribute__((noinline)) static int prepare(void) { return setjmp(place); }
static int32_t act(const step_call *call) {
    (void)call;
    memset(&place, 0x41, sizeof place);
    (void)prepare;
    longjmp(place, 1);
}
