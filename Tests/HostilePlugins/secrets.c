/* 29: asks for secrets. "act" asks for the one its input names and returns status and value; "tells" asks, too, and then
 * says the value wherever people read; "later" says what "tells" was given, in a call of its own, and "dies" with its
 * last words. */
#define FIXTURE_DESCRIBE \
    "{\"name\":\"" FIXTURE_NAME "\",\"version\":\"1\",\"functions\":[{\"name\":\"good\"},{\"name\":\"act\"}," \
    "{\"name\":\"tells\"},{\"name\":\"later\"},{\"name\":\"dies\"}]}"
#define FIXTURE_REPLIES
#include "fixture.h"

static step_call_id asking;
static bool is_telling;
static char given[256];

static void tell(step_call_id call) {
    char note[512], fields[600], failure[700];
    snprintf(note, sizeof note, "it is %s", given);
    snprintf(fields, sizeof fields, "{\"secret\":\"%s\"}", given);
    snprintf(failure, sizeof failure, "{\"code\":\"got_%s\",\"message\":\"it is %s, %s\"}", given, given, given);
    fprintf(stderr, "%s\n", note);
    fflush(stderr);
    host->progress(host->ctx, call, 0.5, text(note));
    host->log(host->ctx, call, STEP_LOG_INFO, text(note), text(fields));
    complete_as(call, STEP_STATUS_FAILED, failure);
}

static void fixture_reply(uint64_t token, int32_t status, step_bytes value) {
    char output[512];
    (void)token;
    snprintf(given, sizeof given, "%.*s", (int)value.len, (const char *)value.ptr);
    if (is_telling) return tell(asking);
    snprintf(output, sizeof output, "[%d,\"%s\"]", status, given);
    complete(asking, output);
}

static int32_t act(const step_call *call) {
    if (equals(call->function, "later")) {
        tell(call->id);
        return 0;
    }
    if (equals(call->function, "dies")) {
        fprintf(stderr, "it was %s\n", given);
        fflush(stderr);
        _exit(3);
    }
    asking = call->id;
    is_telling = equals(call->function, "tells");
    step_bytes key = {call->input.ptr + 1, call->input.len - 2};
    return host->request(host->ctx, call->id, STEP_REQUEST_SECRET_GET, key, (step_bytes){NULL, 0}, 1);
}
