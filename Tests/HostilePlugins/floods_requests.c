/* 29: asks its host for a secret without end and never lets an answer in, again with a token that waits for its answer,
 * and for what no host knows. Says how many were taken and how many refused. */
#include "fixture.h"
static int taken, refused, unknown;

static void ask(step_call_id call, uint32_t kind, uint64_t token) {
    int32_t status = host->request(host->ctx, call, kind, text("name"), text(""), token);
    if (status == STEP_REPLY_OK) taken++;
    if (status == STEP_REPLY_REFUSED) refused++;
    if (status == STEP_REPLY_UNKNOWN_KIND) unknown++;
}

static int32_t act(const step_call *call) {
    taken = refused = unknown = 0;
    if (equals(call->input, "\"unknown\"")) {
        static const uint32_t kinds[] = {0, 2, 99, UINT32_MAX};
        for (int i = 0; i < 1000; i++) ask(call->id, kinds[i % 4], (uint64_t)i);
    } else if (equals(call->input, "\"token\"")) {
        for (int i = 0; i < 1000; i++) ask(call->id, STEP_REQUEST_SECRET_GET, 7);
    } else if (equals(call->input, "\"stranger\"")) {
        ask(0, STEP_REQUEST_SECRET_GET, 7);
        ask(call->id + 1000, STEP_REQUEST_SECRET_GET, 7);
    } else {
        for (int i = 0; i < 1000000; i++) ask(call->id, STEP_REQUEST_SECRET_GET, (uint64_t)i);
    }
    char output[96];
    snprintf(output, sizeof output, "[%d,%d,%d]", taken, refused, unknown);
    complete(call->id, output);
    return 0;
}
