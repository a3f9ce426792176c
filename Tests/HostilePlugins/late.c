/* 17: answers a cancel with a completion, and completes again later. */
#define FIXTURE_CANCELS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static void fixture_cancel(step_call_id call, uint32_t reason) {
    (void)reason;
    complete(call, "\"in the grace\"");
    complete(call, "\"late\"");
}
