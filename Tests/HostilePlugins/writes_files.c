/* Says where it may write: its input is a path to try; it fills its temporary folder on the way. */
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static int try_write(const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0) return errno;
    int failed = write(file, "x", 1) == 1 ? 0 : errno;
    close(file);
    return failed;
}

/* As deep as may be, with a link at the bottom that leads out. */
static int fill(void) {
    int at = open(".", O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 60; depth++) {
        if (mkdirat(at, "deep", 0700) != 0) return errno;
        int next = openat(at, "deep", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
        if (at < 0) return errno;
    }
    int failed = symlinkat("/etc/passwd", at, "link") == 0 ? 0 : errno;
    close(at);
    return failed;
}

static int32_t act(const step_call *call) {
    char path[PATH_MAX] = "";
    /* The input is a JSON string without escapes. */
    if (call->input.len >= 2 && call->input.len < sizeof path) memcpy(path, call->input.ptr + 1, call->input.len - 2);
    const char *tmp = getenv("TMPDIR");
    char own[PATH_MAX + 8];
    snprintf(own, sizeof own, "%s/file", tmp == NULL ? "" : tmp);
    char output[256];
    snprintf(
        output, sizeof output, "{\"given\":%d,\"temporary\":%d,\"relative\":%d,\"filled\":%d}", try_write(path),
        try_write(own), try_write("relative"), fill());
    complete(call->id, output);
    return 0;
}
