/* 27: the same function twice. */
#define FIXTURE_DESCRIBE \
    "{\"name\":\"describes-twice\",\"version\":\"1\",\"functions\":[{\"name\":\"act\"},{\"name\":\"act\"}]}"
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
