/* 13, 14: a million log lines and heartbeats. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    for (int i = 0; i < 200000; i++) {
        host->log(host->ctx, call->id, STEP_LOG_INFO, text("line"), (step_bytes){0});
        host->heartbeat(host->ctx, call->id, text("{\"beat\":1}"));
    }
    host->heartbeat(host->ctx, call->id, text("{\"beat\":\"last\"}"));
    complete(call->id, "\"done\"");
    return 0;
}
