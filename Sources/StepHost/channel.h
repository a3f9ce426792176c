/* Frames on the socket to the server (step_wire.h): one reader, the main thread, and writers on any thread. */
#ifndef STEP_HOST_CHANNEL_H
#define STEP_HOST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "step_abi.h"

/* A frame that arrived. The payload is borrowed until the next channel_read. */
struct frame_in {
    uint8_t kind;
    uint64_t call;
    const uint8_t *next, *end; /* what of the payload is still unread */
    bool malformed;            /* a read went past the end */
};

uint32_t frame_take_u32(struct frame_in *frame);
uint64_t frame_take_u64(struct frame_in *frame);
step_bytes frame_take_blob(struct frame_in *frame);

#define FRAME_FIXED_BYTES_MAX 96
#define FRAME_PARTS_MAX 6

/* A frame being written. Blobs are borrowed until it is sent. */
struct frame_out {
    uint8_t fixed[FRAME_FIXED_BYTES_MAX];
    size_t fixed_used, fixed_open; /* bytes in fixed; where the part begins that has no iovec yet */
    struct iovec parts[FRAME_PARTS_MAX];
    int parts_count;
    size_t bytes;
};

void frame_begin(struct frame_out *frame, uint8_t kind, uint64_t call);
void frame_put(struct frame_out *frame, const void *bytes, size_t count);
void frame_put_u32(struct frame_out *frame, uint32_t value);
void frame_put_u64(struct frame_out *frame, uint64_t value);
void frame_put_f64(struct frame_out *frame, double value);
void frame_put_blob(struct frame_out *frame, const void *bytes, size_t count);

/* Moves STEP_WIRE_FD out of the way of the plugin's own descriptors; exits when there is no channel. */
void channel_adopt(void);
int channel_descriptor(void);

/* Waits for the next frame; false at the end of the stream. Exits on a malformed length. */
bool channel_read(struct frame_in *frame);

/* One lock orders the frames and guards the table of calls, so that nothing of a call follows its COMPLETE. */
void channel_lock(void);
void channel_unlock(void);

/* Both want the lock. The second drops the frame, and says false, when the socket's buffer is full. */
void channel_send(struct frame_out *frame);
bool channel_send_or_drop(struct frame_out *frame);

#endif
