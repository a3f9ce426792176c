/* 27: a time for heartbeats that the host cannot keep. */
#define FIXTURE_DESCRIBE \
    "{\"name\":\"describes-no-timeout\",\"version\":\"1\",\"functions\":[{\"name\":\"act\",\"heartbeat_timeout_ms\":20}]}"
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
