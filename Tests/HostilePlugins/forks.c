/* 9: forks; the child would outlive the parent and hold the channel. Says whether it could. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    pid_t child = fork();
    if (child == 0) for (;;) pause();
    if (child < 0) { complete(call->id, "\"refused\""); return 0; }
    _exit(3);
}
