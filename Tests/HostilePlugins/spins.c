/* 5: an endless loop inside invoke. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    (void)call;
    for (volatile int i = 0;; i++) {}
    return 0;
}
