/* 10: puts /dev/null over every descriptor, the channel too. */
#include "fixture.h"
#include <fcntl.h>
#include <sys/socket.h>
static int32_t act(const step_call *call) {
    for (int i = 3; i < 2048; i++) {
        int kind;
        socklen_t size = sizeof kind;
        if (getsockopt(i, SOL_SOCKET, SO_TYPE, &kind, &size) == 0) dup2(0, i);
    }
    complete(call->id, "\"kept\"");
    return 0;
}
