/* 33: prints what looks like frames to stdout. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    static const uint8_t frame[] = {30, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 10; i++) (void)!write(1, frame, sizeof frame);
    complete(call->id, "\"honest\"");
    return 0;
}
