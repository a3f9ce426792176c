/* 22: the entry refuses. */
#define FIXTURE_ENTERS
#include "fixture.h"
static int32_t act(const step_call *call) { (void)call; return 0; }
const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) {
    (void)major; (void)minor; (void)fixture_open; (void)fixture_describe; (void)fixture_invoke; (void)fixture_cancel;
    (void)fixture_reply; (void)fixture_close; (void)fixture_extension;
    return NULL;
}
