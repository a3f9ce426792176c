/* 29: asks for a secret, and with every answer for the next, without end. Says how many were answered once one is not
 * taken any more. */
#define FIXTURE_REPLIES
#include "fixture.h"
#define REQUESTS_MAX 1000000 /* stops by itself where nothing else does */
static step_call_id running;
static int answered;

static void next(void) {
    if (answered < REQUESTS_MAX
        && host->request(host->ctx, running, STEP_REQUEST_SECRET_GET, text("name"), text(""), 7) == STEP_REPLY_OK)
        return;
    char output[32];
    snprintf(output, sizeof output, "%d", answered);
    complete(running, output);
}

static int32_t act(const step_call *call) {
    running = call->id;
    answered = 0;
    next();
    return 0;
}

static void fixture_reply(uint64_t token, int32_t status, step_bytes value) {
    (void)token; (void)status; (void)value;
    answered++;
    next();
}
