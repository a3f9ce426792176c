/* Fails in the words its input has: "final", "retry" or plain text. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    if (equals(call->input, "\"final\"")) {
        complete_as(call->id, STEP_STATUS_FAILED_FINAL, "{\"code\":\"no_such_customer\",\"message\":\"gone\"}");
    } else if (equals(call->input, "\"retry\"")) {
        complete_as(
            call->id, STEP_STATUS_FAILED, "{\"code\":\"busy\",\"message\":\"later\",\"retry_after_ms\":1500}");
    } else if (equals(call->input, "\"refuse\"")) {
        return 5;
    } else {
        complete_as(call->id, STEP_STATUS_FAILED, "just text");
    }
    return 0;
}
