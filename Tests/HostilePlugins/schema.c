/* A function with an input schema. */
#define FIXTURE_DESCRIBE \
    "{\"name\":\"schema\",\"version\":\"1\",\"functions\":[{\"name\":\"good\",\"input\":{\"type\":\"object\"," \
    "\"required\":[\"n\"],\"properties\":{\"n\":{\"type\":\"integer\"}}}}]}"
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
