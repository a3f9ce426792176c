/* 16: completes twice, the second time from another thread. */
#include "fixture.h"
static void *body(void *call) { complete((step_call_id)(uintptr_t)call, "\"second\""); return NULL; }
static int32_t act(const step_call *call) {
    complete(call->id, "\"first\"");
    complete(call->id, "\"again\"");
    on_thread(body, call->id);
    return 0;
}
