/* Stops when it is told to, saying so. */
#define FIXTURE_CANCELS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static void fixture_cancel(step_call_id call, uint32_t reason) {
    (void)reason;
    complete_as(call, STEP_STATUS_CANCELLED, "");
}
