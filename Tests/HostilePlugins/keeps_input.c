/* 21: keeps the input it was lent and, in a later call, writes to it, frees it or writes to it for ever. */
#include "fixture.h"
static uint8_t *volatile kept;
static volatile uint64_t kept_bytes;

static void *scribbles(void *unused) {
    (void)unused;
    for (uint8_t value = 0;; value++)
        for (uint64_t i = 0; i < kept_bytes; i++) ((volatile uint8_t *)kept)[i] = value;
    return NULL;
}

static int32_t act(const step_call *call) {
    if (equals(call->input, "\"write\"")) {
        memset(kept, 'x', kept_bytes);
    } else if (equals(call->input, "\"free\"")) {
        free(kept);
    } else if (equals(call->input, "\"scribble\"")) {
        on_thread(scribbles, call->id);
    } else {
        kept = (uint8_t *)(uintptr_t)call->input.ptr;
        kept_bytes = call->input.len;
    }
    complete(call->id, "\"done\"");
    return 0;
}
