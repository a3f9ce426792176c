#include "calls.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "channel.h"
#include "step_wire.h"
#include "watchdog.h"

/* A value of which only the latest counts, sent at most once per interval. */
struct latest {
    uint64_t sent_ns; /* 0: never */
    bool pending;
    double fraction;
    uint8_t *bytes;
    size_t bytes_count;
};

struct call_slot {
    step_call_id id;
    uint64_t begun_ns;
    double risk; /* NaN: none reported; infinite: an invalid score was reported */
    uint32_t cancel_reason;
    struct latest heartbeat, progress;
    uint64_t waiting[REQUESTS_WAITING_MAX]; /* tokens of requests without an answer */
    uint32_t waiting_count, requests_made;
};

/* All guarded by the channel's lock. */
static struct call_slot calls[CALLS_MAX];
static int calls_count;
static uint64_t late_completions, dropped_logs;
static bool counters_changed;
/* Values held back; read without the lock by the watchdog. */
static atomic_int pending_count;

uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct call_slot *find(step_call_id id) {
    for (int i = 0; i < calls_count; i++)
        if (calls[i].id == id) return &calls[i];
    return NULL;
}

static void discard(struct latest *value) {
    if (value->pending) atomic_fetch_sub(&pending_count, 1);
    free(value->bytes);
    *value = (struct latest){0};
}

static void forget(struct call_slot *slot) {
    discard(&slot->heartbeat);
    discard(&slot->progress);
    *slot = calls[--calls_count];
}

bool calls_begin(step_call_id id) {
    bool begun = false;
    channel_lock();
    if (id != 0 && calls_count < CALLS_MAX && find(id) == NULL) {
        calls[calls_count++] = (struct call_slot){.id = id, .begun_ns = monotonic_ns(), .risk = NAN};
        begun = true;
    }
    channel_unlock();
    return begun;
}

bool calls_withdraw(step_call_id id) {
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL) forget(slot);
    channel_unlock();
    return slot != NULL;
}

bool calls_cancel(step_call_id id, uint32_t reason) {
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL) slot->cancel_reason = reason;
    channel_unlock();
    return slot != NULL;
}

static void send_heartbeat(step_call_id id, step_bytes details) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_HEARTBEAT, id);
    frame_put_blob(&frame, details.ptr, details.len);
    channel_send(&frame);
}

static void send_progress(step_call_id id, double fraction, step_bytes note) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_PROGRESS, id);
    frame_put_f64(&frame, fraction);
    frame_put_blob(&frame, note.ptr, note.len);
    channel_send(&frame);
}

static void send_log(step_call_id id, int32_t level, step_bytes message, step_bytes fields) {
    static const char mark[] = " [truncated]";
    static char cut[STEP_WIRE_LOG_MESSAGE_BYTES_MAX]; /* guarded by the lock; the plugin's stacks may be small */
    if (message.len > STEP_WIRE_LOG_MESSAGE_BYTES_MAX) {
        size_t kept = sizeof cut - sizeof mark + 1;
        while (kept > 0 && (message.ptr[kept] & 0xC0) == 0x80) kept--; /* no torn UTF-8 sequence */
        memcpy(cut, message.ptr, kept);
        memcpy(cut + kept, mark, sizeof mark - 1);
        message = (step_bytes){(const uint8_t *)cut, kept + sizeof mark - 1};
    }
    if (fields.len > STEP_WIRE_LOG_FIELDS_BYTES_MAX) fields.len = 0;
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_LOG, id);
    frame_put_u32(&frame, (uint32_t)level);
    frame_put_blob(&frame, message.ptr, message.len);
    frame_put_blob(&frame, fields.ptr, fields.len);
    if (!channel_send_or_drop(&frame)) {
        dropped_logs++;
        counters_changed = true;
    }
}

/* Of a full buffer it tries again at the watchdog's next tick, which must not wait with the lock. */
static void send_counters(void) {
    if (!counters_changed) return;
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_COUNTERS, 0);
    frame_put_u64(&frame, late_completions);
    frame_put_u64(&frame, dropped_logs);
    if (channel_send_or_drop(&frame)) counters_changed = false;
}

void calls_send_counters(void) {
    channel_lock();
    send_counters();
    channel_unlock();
}

/* Holds a value back until its interval is over; the bytes are copied, for they are borrowed. */
static void hold_back(struct latest *value, double fraction, step_bytes bytes) {
    uint8_t *copy = NULL;
    if (bytes.len > 0) {
        copy = malloc(bytes.len);
        if (copy == NULL) return; /* the value before stays */
        memcpy(copy, bytes.ptr, bytes.len);
    }
    free(value->bytes);
    value->bytes = copy;
    value->bytes_count = bytes.len;
    value->fraction = fraction;
    if (!value->pending) atomic_fetch_add(&pending_count, 1);
    value->pending = true;
}

static void release_heartbeat(struct call_slot *slot, uint64_t now) {
    struct latest *value = &slot->heartbeat;
    send_heartbeat(slot->id, (step_bytes){value->bytes, value->bytes_count});
    discard(value);
    value->sent_ns = now;
}

static void release_progress(struct call_slot *slot, uint64_t now) {
    struct latest *value = &slot->progress;
    send_progress(slot->id, value->fraction, (step_bytes){value->bytes, value->bytes_count});
    discard(value);
    value->sent_ns = now;
}

static bool is_due(const struct latest *value, uint64_t now, uint64_t interval_ms) {
    return value->sent_ns == 0 || now - value->sent_ns >= interval_ms * 1000000u;
}

void calls_flush_due(void) {
    channel_lock();
    uint64_t now = monotonic_ns();
    for (int i = 0; i < calls_count; i++) {
        struct call_slot *slot = &calls[i];
        if (slot->heartbeat.pending && is_due(&slot->heartbeat, now, HEARTBEAT_INTERVAL_MS))
            release_heartbeat(slot, now);
        if (slot->progress.pending && is_due(&slot->progress, now, PROGRESS_INTERVAL_MS))
            release_progress(slot, now);
    }
    send_counters();
    channel_unlock();
}

bool calls_held_back(void) { return atomic_load(&pending_count) > 0; }

/* The functions of the host table. */

static void send_complete(const struct call_slot *slot, uint64_t now, int32_t status, step_bytes payload) {
    static const size_t room = STEP_WIRE_FRAME_BYTES_MAX - STEP_WIRE_OVERHEAD_BYTES - 4 - 8 - 8 - 4;
    char refusal[160];
    if (payload.len > room) {
        int count = snprintf(
            refusal, sizeof refusal,
            "{\"code\":\"output_too_large\",\"message\":\"the output of %llu bytes exceeds a frame's %zu\"}",
            (unsigned long long)payload.len, room);
        status = STEP_STATUS_FAILED_FINAL;
        payload = (step_bytes){(const uint8_t *)refusal, (uint64_t)count};
    }
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_COMPLETE, slot->id);
    frame_put_u32(&frame, (uint32_t)status);
    frame_put_u64(&frame, now - slot->begun_ns);
    frame_put_f64(&frame, slot->risk);
    frame_put_blob(&frame, payload.ptr, payload.len);
    channel_send(&frame);
}

static void host_complete(void *ctx, step_call_id id, int32_t status, step_bytes payload) {
    (void)ctx;
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot == NULL) {
        late_completions++;
        counters_changed = true;
        channel_unlock();
        watchdog_wake();
        return;
    }
    uint64_t now = monotonic_ns();
    if (slot->heartbeat.pending) release_heartbeat(slot, now); /* the next attempt's checkpoint */
    if (slot->progress.pending) release_progress(slot, now);
    send_complete(slot, now, status, payload);
    forget(slot);
    send_counters();
    channel_unlock();
}

static void host_heartbeat(void *ctx, step_call_id id, step_bytes details) {
    (void)ctx;
    bool held = false;
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL) {
        uint64_t now = monotonic_ns();
        if (details.len > STEP_WIRE_DETAILS_BYTES_MAX) {
            static const char text[] = "heartbeat details above 1 MiB were ignored";
            send_log(id, STEP_LOG_WARNING, (step_bytes){(const uint8_t *)text, sizeof text - 1}, (step_bytes){0});
        } else if (is_due(&slot->heartbeat, now, HEARTBEAT_INTERVAL_MS)) {
            if (slot->heartbeat.pending) discard(&slot->heartbeat);
            send_heartbeat(id, details);
            slot->heartbeat.sent_ns = now;
        } else {
            hold_back(&slot->heartbeat, 0, details);
            held = true;
        }
    }
    channel_unlock();
    if (held) watchdog_wake();
}

static void host_progress(void *ctx, step_call_id id, double fraction, step_bytes note) {
    (void)ctx;
    bool held = false;
    if (isnan(fraction)) return;
    if (note.len > STEP_WIRE_NOTE_BYTES_MAX) {
        note.len = STEP_WIRE_NOTE_BYTES_MAX;
        while (note.len > 0 && (note.ptr[note.len] & 0xC0) == 0x80) note.len--;
    }
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL) {
        uint64_t now = monotonic_ns();
        if (is_due(&slot->progress, now, PROGRESS_INTERVAL_MS)) {
            if (slot->progress.pending) discard(&slot->progress);
            send_progress(id, fraction, note);
            slot->progress.sent_ns = now;
        } else {
            hold_back(&slot->progress, fraction, note);
            held = true;
        }
    }
    channel_unlock();
    if (held) watchdog_wake();
}

static void host_risk(void *ctx, step_call_id id, double score) {
    (void)ctx;
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL) {
        /* An invalid score must not hide behind a valid one. */
        if (!(score >= 0 && score <= 100)) score = INFINITY;
        if (isnan(slot->risk) || score > slot->risk) slot->risk = score;
    }
    channel_unlock();
}

static void host_log(void *ctx, step_call_id id, int32_t level, step_bytes message, step_bytes fields) {
    (void)ctx;
    channel_lock();
    /* Id 0 is a message of the plugin itself, for example from open. */
    if (id == 0 || find(id) != NULL) send_log(id, level, message, fields);
    bool dropped = counters_changed;
    channel_unlock();
    if (dropped) watchdog_wake();
}

static uint32_t host_cancel_reason(void *ctx, step_call_id id) {
    (void)ctx;
    channel_lock();
    struct call_slot *slot = find(id);
    uint32_t reason = slot == NULL ? STEP_CANCEL_REQUESTED : slot->cancel_reason;
    channel_unlock();
    return reason;
}

/* False when the call asks for too much: the server answers each, so a flood would be the server's. A token that waits
 * already would be answered twice, and the plugin could not tell which answer is whose. */
static bool note_request(struct call_slot *slot, uint64_t token) {
    if (slot->requests_made == REQUESTS_PER_CALL_MAX || slot->waiting_count == REQUESTS_WAITING_MAX) return false;
    for (uint32_t i = 0; i < slot->waiting_count; i++)
        if (slot->waiting[i] == token) return false;
    slot->waiting[slot->waiting_count++] = token;
    slot->requests_made++;
    return true;
}

void calls_answered(step_call_id id, uint64_t token) {
    channel_lock();
    struct call_slot *slot = find(id);
    for (uint32_t i = 0; slot != NULL && i < slot->waiting_count; i++) {
        if (slot->waiting[i] != token) continue;
        slot->waiting[i] = slot->waiting[--slot->waiting_count];
        break;
    }
    channel_unlock();
}

static int32_t host_request(void *ctx, step_call_id id, uint32_t kind, step_bytes key, step_bytes arg, uint64_t token) {
    (void)ctx;
    if (kind != STEP_REQUEST_SECRET_GET) return STEP_REPLY_UNKNOWN_KIND;
    if (key.len > STEP_WIRE_NOTE_BYTES_MAX || arg.len > STEP_WIRE_DETAILS_BYTES_MAX) return STEP_REPLY_REFUSED;
    int32_t status = STEP_REPLY_REFUSED;
    channel_lock();
    struct call_slot *slot = find(id);
    if (slot != NULL && note_request(slot, token)) {
        struct frame_out frame;
        frame_begin(&frame, STEP_WIRE_REQUEST, id);
        frame_put_u32(&frame, kind);
        frame_put_u64(&frame, token);
        frame_put_blob(&frame, key.ptr, key.len);
        frame_put_blob(&frame, arg.ptr, arg.len);
        channel_send(&frame);
        status = STEP_REPLY_OK;
    }
    channel_unlock();
    return status;
}

static const void *host_extension(void *ctx, const char *id) {
    (void)ctx;
    (void)id;
    return NULL; /* version 1.0 offers none */
}

const step_host *calls_host(void) {
    static const step_host host = {
        .size = sizeof(step_host),
        .abi_major = STEP_ABI_MAJOR,
        .abi_minor = STEP_ABI_MINOR,
        .complete = host_complete,
        .heartbeat = host_heartbeat,
        .progress = host_progress,
        .risk = host_risk,
        .log = host_log,
        .cancel_reason = host_cancel_reason,
        .request = host_request,
        .extension = host_extension,
    };
    return &host;
}
