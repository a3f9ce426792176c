/* 25: never finishes loading. */
#include "fixture.h"
__attribute__((constructor)) static void begin(void) { for (volatile int i = 0;; i++) {} }
static int32_t act(const step_call *call) { (void)call; return 0; }
