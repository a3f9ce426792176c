/* 27: a description of 100 MB. */
#define FIXTURE_DESCRIBES
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static step_bytes fixture_describe(void) {
    size_t size = 100u << 20;
    uint8_t *bytes = malloc(size);
    memset(bytes, ' ', size);
    return (step_bytes){bytes, size};
}
