/* 28: blocks and ignores every signal it can, changes directory, umask and session, then never ends. */
#include "fixture.h"
#include <signal.h>
#include <sys/stat.h>
static int32_t act(const step_call *call) {
    (void)call;
    sigset_t all;
    sigfillset(&all);
    for (int i = 1; i < 64; i++) signal(i, SIG_IGN);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    setsid();
    (void)!chdir("/");
    umask(0777);
    for (;;) pause();
    return 0;
}
