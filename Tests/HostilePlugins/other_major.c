/* 23: another major version. */
#define FIXTURE_ENTERS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static const step_plugin table = {
    sizeof(step_plugin), STEP_ABI_MAJOR + 1, 0, fixture_open, fixture_describe, fixture_invoke, fixture_cancel,
    fixture_reply, fixture_close, fixture_extension};
const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) { (void)major; (void)minor; return &table; }
