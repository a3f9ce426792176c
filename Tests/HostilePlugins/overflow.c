/* 4: overflows the stack of a thread. */
#include "fixture.h"
static volatile int sink;
__attribute__((noinline)) static int deeper(volatile char *above, int depth) {
    volatile char block[4096];
    block[0] = above[0];
    return depth == -1 ? 0 : deeper(block, depth + 1) + block[0];
}
static void *body(void *call) { char start = 0; (void)call; sink = deeper(&start, 0); return NULL; }
static int32_t act(const step_call *call) { on_thread(body, call->id); return 0; }
