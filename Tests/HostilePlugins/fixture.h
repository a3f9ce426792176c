/* What every plugin here shares: a table, a function "good" that echoes its input, and "act", the file's own. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "step_abi.h"

#ifndef FIXTURE_NAME
#error "compile with -DFIXTURE_NAME=\"name\""
#endif
#ifndef FIXTURE_DESCRIBE
#define FIXTURE_DESCRIBE \
    "{\"name\":\"" FIXTURE_NAME "\",\"version\":\"1\",\"sdk\":\"c\",\"functions\":[{\"name\":\"good\"},{\"name\":\"act\"}]}"
#endif

static const step_host *host;

static inline step_bytes text(const char *value) { return (step_bytes){(const uint8_t *)value, strlen(value)}; }

static inline void complete(step_call_id call, const char *output) {
    host->complete(host->ctx, call, STEP_STATUS_OK, text(output));
}

static inline void complete_as(step_call_id call, int32_t status, const char *payload) {
    host->complete(host->ctx, call, status, text(payload));
}

static inline bool equals(step_bytes bytes, const char *value) {
    return bytes.len == strlen(value) && memcmp(bytes.ptr, value, bytes.len) == 0;
}

/* Defined by each file. */
static int32_t act(const step_call *call);
#ifndef FIXTURE_CANCELS
static void fixture_cancel(step_call_id call, uint32_t reason) { (void)call; (void)reason; }
#else
static void fixture_cancel(step_call_id call, uint32_t reason);
#endif

#ifndef FIXTURE_OPENS
static int32_t fixture_open(const step_host *given, step_bytes config) {
    (void)config;
    host = given;
    return 0;
}
#else
static int32_t fixture_open(const step_host *given, step_bytes config);
#endif
#ifndef FIXTURE_DESCRIBES
static step_bytes fixture_describe(void) { return text(FIXTURE_DESCRIBE); }
#else
static step_bytes fixture_describe(void);
#endif

static int32_t fixture_invoke(const step_call *call) {
    if (!equals(call->function, "good")) return act(call);
    host->complete(host->ctx, call->id, STEP_STATUS_OK, call->input);
    return 0;
}
#ifndef FIXTURE_REPLIES
static void fixture_reply(uint64_t token, int32_t status, step_bytes value) { (void)token; (void)status; (void)value; }
#else
static void fixture_reply(uint64_t token, int32_t status, step_bytes value);
#endif
static void fixture_close(void) {}
static const void *fixture_extension(const char *id) { (void)id; return NULL; }

#ifndef FIXTURE_ENTERS
static const step_plugin fixture_table = {
    sizeof(step_plugin), STEP_ABI_MAJOR, STEP_ABI_MINOR, fixture_open, fixture_describe, fixture_invoke,
    fixture_cancel, fixture_reply, fixture_close, fixture_extension};

const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) {
    (void)major;
    (void)minor;
    return &fixture_table;
}
#endif

/* Runs `body` with the call's id on a thread of its own. */
static inline void on_thread(void *(*body)(void *), step_call_id call) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_create(&thread, &attributes, body, (void *)(uintptr_t)call);
    pthread_attr_destroy(&attributes);
}

#endif
