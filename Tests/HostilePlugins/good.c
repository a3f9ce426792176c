/* A well-behaved plugin: reports everything there is to report. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    host->log(host->ctx, call->id, STEP_LOG_INFO, text("hello"), text("{\"n\":1}"));
    host->progress(host->ctx, call->id, 0.5, text("half"));
    host->heartbeat(host->ctx, call->id, text("{\"at\":7}"));
    host->risk(host->ctx, call->id, 42);
    complete(call->id, "{\"ok\":true}");
    return 0;
}
