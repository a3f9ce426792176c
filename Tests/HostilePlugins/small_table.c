/* 22: a table that says it is smaller than version 1.0. */
#define FIXTURE_ENTERS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
static const step_plugin table = {
    16, STEP_ABI_MAJOR, STEP_ABI_MINOR, fixture_open, fixture_describe, fixture_invoke, fixture_cancel, fixture_reply,
    fixture_close, fixture_extension};
const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) { (void)major; (void)minor; return &table; }
