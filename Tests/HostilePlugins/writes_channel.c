/* 10: writes rubbish into every socket it has. */
#include "fixture.h"
#include <sys/socket.h>
static int32_t act(const step_call *call) {
    (void)call;
    char rubbish[64];
    memset(rubbish, 0xFF, sizeof rubbish);
    for (int i = 3; i < 2048; i++) (void)!send(i, rubbish, sizeof rubbish, MSG_NOSIGNAL);
    return 0;
}
