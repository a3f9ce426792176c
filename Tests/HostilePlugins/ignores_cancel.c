/* 5: a loop on a thread of its own that does not care for cancel. */
#include "fixture.h"
static void *body(void *call) { (void)call; for (volatile int i = 0;; i++) {} return NULL; }
static int32_t act(const step_call *call) { on_thread(body, call->id); return 0; }
