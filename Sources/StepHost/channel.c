#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "settings.h"
#include "step_wire.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the frames are little endian");

#define BUFFER_BYTES_USUAL (64u << 10)
#define BUFFER_BYTES_KEPT (1u << 20) /* a larger buffer is given back after its frame */
#define JOINED_BYTES_MAX (16u << 10) /* a frame up to this size goes out in one piece */
#define DESCRIPTOR_WANTED 1000       /* above what a plugin's own files get */

static int channel = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *buffer;
static size_t buffer_bytes, buffer_start, buffer_end;

static _Noreturn void channel_lost(const char *what) {
    /* EPIPE and ECONNRESET: the server is gone and wants no report. */
    if (errno == EPIPE || errno == ECONNRESET) _exit(0);
    dprintf(STDERR_FILENO, "stepstream-step-host: channel %s: %s\n", what, strerror(errno));
    _exit(EXIT_CHANNEL);
}

static _Noreturn void protocol_error(const char *what) {
    dprintf(STDERR_FILENO, "stepstream-step-host: malformed frame: %s\n", what);
    _exit(EXIT_PROTOCOL);
}

void channel_adopt(void) {
    channel = fcntl(STEP_WIRE_FD, F_DUPFD_CLOEXEC, DESCRIPTOR_WANTED);
    /* A small hard limit on descriptors: take any number above the standard three. */
    if (channel < 0) channel = fcntl(STEP_WIRE_FD, F_DUPFD_CLOEXEC, STEP_WIRE_FD + 1);
    if (channel < 0) channel_lost("missing on its descriptor");
    close(STEP_WIRE_FD);
    buffer = malloc(BUFFER_BYTES_USUAL);
    if (buffer == NULL) channel_lost("buffer");
    buffer_bytes = BUFFER_BYTES_USUAL;
}

int channel_descriptor(void) { return channel; }

/* Makes room for a frame of `bytes` in one piece. */
static void buffer_fit(size_t bytes) {
    bool shrink = buffer_bytes > BUFFER_BYTES_KEPT && bytes <= BUFFER_BYTES_USUAL
        && buffer_end - buffer_start <= BUFFER_BYTES_USUAL;
    if (shrink || bytes > buffer_bytes) {
        size_t wanted = shrink ? BUFFER_BYTES_USUAL : bytes;
        uint8_t *larger = malloc(wanted);
        if (larger == NULL) channel_lost("buffer");
        memcpy(larger, buffer + buffer_start, buffer_end - buffer_start);
        free(buffer);
        buffer = larger;
        buffer_bytes = wanted;
    } else if (buffer_start + bytes > buffer_bytes) {
        memmove(buffer, buffer + buffer_start, buffer_end - buffer_start);
    } else {
        return;
    }
    buffer_end -= buffer_start;
    buffer_start = 0;
}

/* Reads until `bytes` of the current frame are in the buffer; takes whatever else has arrived along. */
static bool buffer_await(size_t bytes) {
    while (buffer_end - buffer_start < bytes) {
        buffer_fit(bytes);
        ssize_t count = read(channel, buffer + buffer_end, buffer_bytes - buffer_end);
        if (count == 0) return false;
        if (count < 0) {
            if (errno == EINTR) continue;
            channel_lost("read");
        }
        buffer_end += (size_t)count;
    }
    return true;
}

bool channel_read(struct frame_in *frame) {
    if (buffer_start == buffer_end) buffer_start = buffer_end = 0;
    if (!buffer_await(STEP_WIRE_HEADER_BYTES)) return false;
    uint32_t length;
    memcpy(&length, buffer + buffer_start, sizeof length);
    if (length < STEP_WIRE_OVERHEAD_BYTES) protocol_error("shorter than its header");
    if (length > STEP_WIRE_FRAME_BYTES_MAX) protocol_error("longer than the limit");
    size_t whole = sizeof length + length;
    if (!buffer_await(whole)) return false;
    const uint8_t *start = buffer + buffer_start;
    *frame = (struct frame_in){
        .kind = start[4], .next = start + STEP_WIRE_HEADER_BYTES, .end = start + whole};
    memcpy(&frame->call, start + 5, sizeof frame->call);
    buffer_start += whole;
    return true;
}

static const uint8_t *take(struct frame_in *frame, size_t count) {
    if (frame->malformed || (size_t)(frame->end - frame->next) < count) {
        frame->malformed = true;
        return NULL;
    }
    const uint8_t *bytes = frame->next;
    frame->next += count;
    return bytes;
}

uint32_t frame_take_u32(struct frame_in *frame) {
    uint32_t value = 0;
    const uint8_t *bytes = take(frame, sizeof value);
    if (bytes != NULL) memcpy(&value, bytes, sizeof value);
    return value;
}

uint64_t frame_take_u64(struct frame_in *frame) {
    uint64_t value = 0;
    const uint8_t *bytes = take(frame, sizeof value);
    if (bytes != NULL) memcpy(&value, bytes, sizeof value);
    return value;
}

step_bytes frame_take_blob(struct frame_in *frame) {
    uint32_t count = frame_take_u32(frame);
    const uint8_t *bytes = take(frame, count);
    return (step_bytes){.ptr = bytes, .len = bytes == NULL ? 0 : count};
}

void frame_begin(struct frame_out *frame, uint8_t kind, uint64_t call) {
    frame->fixed_used = 4; /* the length, filled in when sent */
    frame->fixed_open = 0;
    frame->parts_count = 0;
    frame->bytes = 4;
    frame_put(frame, &kind, sizeof kind);
    frame_put_u64(frame, call);
}

void frame_put(struct frame_out *frame, const void *bytes, size_t count) {
    if (frame->fixed_used + count > FRAME_FIXED_BYTES_MAX) protocol_error("too many fields written");
    memcpy(frame->fixed + frame->fixed_used, bytes, count);
    frame->fixed_used += count;
    frame->bytes += count;
}

void frame_put_u32(struct frame_out *frame, uint32_t value) { frame_put(frame, &value, sizeof value); }
void frame_put_u64(struct frame_out *frame, uint64_t value) { frame_put(frame, &value, sizeof value); }
void frame_put_f64(struct frame_out *frame, double value) { frame_put(frame, &value, sizeof value); }

static void close_part(struct frame_out *frame) {
    size_t count = frame->fixed_used - frame->fixed_open;
    if (count == 0) return;
    frame->parts[frame->parts_count++] = (struct iovec){frame->fixed + frame->fixed_open, count};
    frame->fixed_open = frame->fixed_used;
}

void frame_put_blob(struct frame_out *frame, const void *bytes, size_t count) {
    frame_put_u32(frame, (uint32_t)count);
    if (count == 0) return;
    close_part(frame);
    if (frame->parts_count == FRAME_PARTS_MAX) protocol_error("too many blobs written");
    frame->parts[frame->parts_count++] = (struct iovec){(void *)(uintptr_t)bytes, count};
    frame->bytes += count;
}

void channel_lock(void) { pthread_mutex_lock(&lock); }
void channel_unlock(void) { pthread_mutex_unlock(&lock); }

/* False when nothing was written because the buffer is full and `flags` forbid waiting. */
static bool send_bytes(const uint8_t *bytes, size_t left, int flags) {
    while (left > 0) {
        ssize_t count = send(channel, bytes, left, MSG_NOSIGNAL | flags);
        if (count < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN && flags != 0) return false;
            channel_lost("write");
        }
        flags = 0; /* a frame that has begun is finished */
        bytes += count;
        left -= (size_t)count;
    }
    return true;
}

/* A small frame goes out in one call, so that the server wakes once. (Not by sendmsg, which seccomp refuses: it would
 * carry descriptors as well.) */
static bool send_parts(struct frame_out *frame, int flags) {
    static uint8_t joined[JOINED_BYTES_MAX];
    close_part(frame);
    uint32_t length = (uint32_t)(frame->bytes - 4);
    memcpy(frame->fixed, &length, sizeof length);
    bool is_joined = frame->bytes <= sizeof joined;
    size_t used = 0;
    for (int i = 0; i < frame->parts_count; i++) {
        const struct iovec *part = &frame->parts[i];
        if (is_joined) {
            memcpy(joined + used, part->iov_base, part->iov_len);
            used += part->iov_len;
        } else if (!send_bytes(part->iov_base, part->iov_len, i == 0 ? flags : 0)) {
            return false;
        }
    }
    return !is_joined || send_bytes(joined, used, flags);
}

void channel_send(struct frame_out *frame) { (void)send_parts(frame, 0); }
bool channel_send_or_drop(struct frame_out *frame) { return send_parts(frame, MSG_DONTWAIT); }
