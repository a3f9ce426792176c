/* Waits for an hour before its entry point can be asked for. */
#include "fixture.h"

static int32_t act(const step_call *call) {
    complete(call->id, "1");
    return 0;
}

__attribute__((constructor)) static void wait_long(void) { sleep(3600); }
