/* 12: opens files and keeps them; says how many it got and what stopped it. */
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#define FILES_MAX 20000 /* stops by itself where nothing else does */
static int32_t act(const step_call *call) {
    int opened = 0;
    errno = 0;
    while (opened < FILES_MAX && open("/dev/null", O_RDONLY) >= 0) opened++;
    char output[64];
    snprintf(output, sizeof output, "[%d,%d]", opened, errno);
    complete(call->id, output);
    return 0;
}
