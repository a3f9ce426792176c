/* 26: a C++ exception leaves invoke, or, for the input 2, a thread of the plugin's. */
#include "fixture.h"
#include <stdexcept>
static void *body(void *) { throw std::runtime_error("out of a thread"); }
static int32_t act(const step_call *call) {
    if (!equals(call->input, "2")) throw std::runtime_error("out of invoke");
    on_thread(body, call->id);
    return 0;
}
