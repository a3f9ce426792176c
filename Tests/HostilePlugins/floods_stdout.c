/* 13: 100 MB on stdout and on stderr without a newline, then completes. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    static char block[1 << 16];
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 1600; i++) {
        (void)!write(1, block, sizeof block);
        if (i % 16 == 0) (void)!write(2, block, sizeof block);
    }
    complete(call->id, "\"done\"");
    return 0;
}
