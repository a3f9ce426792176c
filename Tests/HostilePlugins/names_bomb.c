/* Crashes in a function whose mangled name of 130 bytes demangles to 30 MB; or, with the input "print", fails and
 * prints such a name in lines that look like the step host's crash report. Compile with -DBOMB="NAME". */
#include "fixture.h"

/* The name is given to a second symbol of the same place: an assembler takes no `$` in a call. */
__attribute__((noinline, used)) static void guilty(void) { *(volatile int *)8 = 1; }
__asm__(".set \"" BOMB "\", guilty\n.type \"" BOMB "\", @function\n.size \"" BOMB "\", 64");

static int32_t act(const step_call *call) {
    if (equals(call->input, "\"print\"")) {
        for (int i = 0; i < 60; i++) fprintf(stderr, "stepstream-frame: x+0x1 %s\n", BOMB);
        fflush(stderr);
        complete_as(call->id, STEP_STATUS_FAILED, "{\"code\":\"signal\",\"message\":\"signal\"}");
        return 0;
    }
    guilty();
    return 0;
}
