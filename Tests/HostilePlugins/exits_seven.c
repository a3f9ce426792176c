/* 8: _exit(7) in the middle of a call. */
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; _exit(7); }
