/* 23: a newer minor version with a larger table. */
#define FIXTURE_ENTERS
#include "fixture.h"
static int32_t act(const step_call *call) { complete(call->id, "\"newer\""); return 0; }
static const struct { step_plugin known; void *future[4]; } table = {
    {sizeof(step_plugin) + 4 * sizeof(void *), STEP_ABI_MAJOR, STEP_ABI_MINOR + 1, fixture_open, fixture_describe,
     fixture_invoke, fixture_cancel, fixture_reply, fixture_close, fixture_extension}, {0}};
const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) { (void)major; (void)minor; return &table.known; }
