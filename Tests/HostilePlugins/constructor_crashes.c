/* 25: crashes while it is loaded. */
#include "fixture.h"
__attribute__((constructor)) static void begin(void) {
    *(volatile char *)getenv("STEPSTREAM_NO_SUCH_VARIABLE") = 1;
}
static int32_t act(const step_call *call) { (void)call; return 0; }
