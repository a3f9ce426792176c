/* 29: writes requests to the channel past its host's table, and never lets an answer in. */
#include "fixture.h"
#include <sys/socket.h>
#define FRAME_BYTES 33
#define FRAMES_PER_BATCH 1024
static int32_t act(const step_call *call) {
    /* u32 length | u8 kind 9 | u64 call | u32 kind | u64 token | two empty blobs */
    static uint8_t batch[FRAMES_PER_BATCH * FRAME_BYTES];
    for (int i = 0; i < FRAMES_PER_BATCH; i++) {
        uint8_t *frame = batch + i * FRAME_BYTES;
        frame[0] = FRAME_BYTES - 4;
        frame[4] = 9;
        memcpy(frame + 5, &call->id, sizeof call->id);
        frame[13] = STEP_REQUEST_SECRET_GET;
    }
    int channel = 3, kind;
    socklen_t size = sizeof kind;
    while (channel < 4096 && getsockopt(channel, SOL_SOCKET, SO_TYPE, &kind, &size) != 0) channel++;
    /* Half a gigabyte, unless somebody ends it. */
    for (int i = 0; i < 16384; i++) {
        size_t sent = 0;
        while (sent < sizeof batch) {
            ssize_t count = send(channel, batch + sent, sizeof batch - sent, MSG_NOSIGNAL);
            if (count <= 0) return 0;
            sent += (size_t)count;
        }
    }
    complete(call->id, "\"done\"");
    return 0;
}
