/* 22: a table without invoke. */
#define FIXTURE_ENTERS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static const step_plugin table = {
    sizeof(step_plugin), STEP_ABI_MAJOR, STEP_ABI_MINOR, fixture_open, fixture_describe, NULL, fixture_cancel,
    fixture_reply, fixture_close, fixture_extension};
const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) {
    (void)major; (void)minor; (void)fixture_invoke;
    return &table;
}
