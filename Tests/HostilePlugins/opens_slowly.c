/* Waits for something while it opens, 1.5 s long, and does not compute. */
#define FIXTURE_OPENS
#include "fixture.h"
static int32_t fixture_open(const step_host *given, step_bytes config) {
    (void)config;
    host = given;
    usleep(1500000);
    return 0;
}
static int32_t act(const step_call *call) { complete(call->id, "\"opened\""); return 0; }
