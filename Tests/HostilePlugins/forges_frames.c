/* Writes frames of its own making into the channel. "act" takes the kind of forgery as its input, a JSON string.
 * Compiled with FORGES_IN_OPEN="KIND", it forges in open as well. */
#define FIXTURE_OPENS
#include "fixture.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "step_wire.h"

/* The step host keeps its channel above all other descriptors. */
static int channel(void) {
    for (int i = 1100; i > 2; i--) {
        struct stat status;
        if (fstat(i, &status) == 0 && S_ISSOCK(status.st_mode)) return i;
    }
    return -1;
}

static void put(const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t sent = send(channel(), next, count, MSG_NOSIGNAL);
        if (sent <= 0) return;
        next += sent;
        count -= (size_t)sent;
    }
}

static void frame(uint8_t kind, uint64_t call, const void *payload, uint32_t count) {
    uint8_t head[STEP_WIRE_HEADER_BYTES];
    uint32_t length = count + STEP_WIRE_OVERHEAD_BYTES;
    memcpy(head, &length, 4);
    head[4] = kind;
    memcpy(head + 5, &call, 8);
    put(head, sizeof head);
    put(payload, count);
}

static void counters(uint64_t late, uint64_t logs) {
    uint64_t values[2] = {late, logs};
    frame(STEP_WIRE_COUNTERS, 0, values, sizeof values);
}

/* A blob of `count` letters behind what `prefix` has. */
static void with_blob(uint8_t kind, uint64_t call, const void *prefix, size_t prefix_count, uint32_t count) {
    uint8_t *payload = calloc(1, prefix_count + 4 + count + 64);
    memcpy(payload, prefix, prefix_count);
    memcpy(payload + prefix_count, &count, 4);
    memset(payload + prefix_count + 4, 'a', count);
    frame(kind, call, payload, (uint32_t)(prefix_count + 4 + count));
    free(payload);
}

/* In one piece, so that nothing of the step host's own comes between. */
static void slow(uint64_t call) {
    static uint8_t frames[2000][STEP_WIRE_HEADER_BYTES + 1];
    uint32_t length = STEP_WIRE_OVERHEAD_BYTES + 1;
    for (int i = 0; i < 2000; i++) {
        memcpy(frames[i], &length, 4);
        frames[i][4] = STEP_WIRE_SLOW;
        memcpy(frames[i] + 5, &call, 8);
        frames[i][STEP_WIRE_HEADER_BYTES] = 1;
    }
    put(frames, sizeof frames);
}

static void forge(const char *what, uint64_t call) {
    uint32_t level = 1;
    double half = 0.5;
    if (strcmp(what, "huge_counters") == 0) {
        counters(INT64_MAX, INT64_MAX);
        counters(UINT64_MAX, UINT64_MAX);
    } else if (strcmp(what, "falling_counters") == 0) {
        counters(10, 10);
        counters(5, 5);
    } else if (strcmp(what, "slow_flood") == 0) {
        slow(call);
    } else if (strcmp(what, "long_log") == 0) {
        with_blob(STEP_WIRE_LOG, call, &level, 4, 1 << 20);
    } else if (strcmp(what, "long_note") == 0) {
        with_blob(STEP_WIRE_PROGRESS, call, &half, 8, 1 << 20);
    } else if (strcmp(what, "long_details") == 0) {
        with_blob(STEP_WIRE_HEARTBEAT, call, NULL, 0, 2 << 20);
    } else if (strcmp(what, "long_problem") == 0) {
        with_blob(STEP_WIRE_LOAD_FAILED, 0, "\1\0\0\0x", 5, 7 << 20);
    } else if (strcmp(what, "names") == 0) {
        with_blob(STEP_WIRE_NAMED, 0, NULL, 0, 10);
    }
}

static int32_t fixture_open(const step_host *given, step_bytes config) {
    (void)config;
    host = given;
#ifdef FORGES_IN_OPEN
    forge(FORGES_IN_OPEN, 0);
#endif
    return 0;
}

static int32_t act(const step_call *call) {
    char what[64] = "";
    if (call->input.len > 2 && call->input.len < sizeof what) memcpy(what, call->input.ptr + 1, call->input.len - 2);
    forge(what, call->id);
    complete(call->id, "\"forged\"");
    return 0;
}
