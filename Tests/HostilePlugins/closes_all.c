/* 10: closes every descriptor, the channel too. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    for (int i = 0; i < 2048; i++) close(i);
    complete(call->id, "1");
    return 0;
}
