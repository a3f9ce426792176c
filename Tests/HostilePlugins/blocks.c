/* 20: invoke blocks well over its 50 ms. */
#include "fixture.h"
static int32_t act(const step_call *call) { usleep(300000); complete(call->id, "\"slow\""); return 0; }
