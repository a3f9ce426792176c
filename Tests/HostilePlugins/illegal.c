/* 3: an illegal instruction, as a Swift trap is one. */
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; __builtin_trap(); }
