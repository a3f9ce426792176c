/* 11: allocates until there is no more, and does not check. */
#include "fixture.h"
static void *volatile kept;
static int32_t act(const step_call *call) {
    (void)call;
    for (;;) {
        kept = malloc(4 << 20);
        memset(kept, 1, 4 << 20);
    }
    return 0;
}
