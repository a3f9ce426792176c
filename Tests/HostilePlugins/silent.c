/* 6: promises heartbeats. "act" sends none, "beats" sends them and takes three times as long as it may be silent. */
#define FIXTURE_DESCRIBE \
    "{\"name\":\"silent\",\"version\":\"1\",\"functions\":[{\"name\":\"good\"}," \
    "{\"name\":\"act\",\"heartbeat_timeout_ms\":500},{\"name\":\"beats\",\"heartbeat_timeout_ms\":500}]}"
#define FIXTURE_CANCELS
#include "fixture.h"

static void *beat(void *argument) {
    step_call_id call = (step_call_id)(uintptr_t)argument;
    char details[32];
    for (int i = 0; i < 30; i++) {
        snprintf(details, sizeof details, "%d", i);
        host->heartbeat(host->ctx, call, text(details));
        usleep(50000);
    }
    complete(call, "\"alive\"");
    return NULL;
}

static int32_t act(const step_call *call) {
    if (!equals(call->function, "beats")) return 0;
    pthread_t thread;
    return pthread_create(&thread, NULL, beat, (void *)(uintptr_t)call->id);
}

/* Told to stop it goes on, saying why it was told. */
static void fixture_cancel(step_call_id call, uint32_t reason) {
    (void)call;
    fprintf(stderr, "told: %u\n", reason);
}
