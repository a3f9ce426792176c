/* 18: accepts the call and never completes it. */
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
