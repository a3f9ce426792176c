#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "step_wire.h"

static _Noreturn void usage(const char *flag, const char *problem) {
    dprintf(STDERR_FILENO, "stepstream-step-host: %s: %s\n", flag, problem);
    _exit(EXIT_USAGE);
}

static uint64_t number(const char *flag, const char *text) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-') usage(flag, "not a number");
    return value;
}

void settings_parse(struct settings *settings, int argc, char **argv) {
    *settings = (struct settings){
        .uid = 65534, .gid = 65534, .nofile = 256, .data_bytes = 1ull << 30, .fsize_bytes = 64ull << 20,
        .threads = 128, .tasks = 8192, .landlock_abi_max = UINT64_MAX};
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i];
        if (strcmp(flag, "--allow-processes") == 0) { settings->allow_processes = true; continue; }
        if (strcmp(flag, "--allow-tcp") == 0) { settings->allow_tcp = true; continue; }
        if (i + 1 >= argc) usage(flag, "unknown flag or missing value");
        const char *value = argv[++i];
        if (strcmp(flag, "--uid") == 0) settings->uid = (uid_t)number(flag, value);
        else if (strcmp(flag, "--gid") == 0) settings->gid = (gid_t)number(flag, value);
        else if (strcmp(flag, "--limit-nofile") == 0) settings->nofile = number(flag, value);
        else if (strcmp(flag, "--limit-data") == 0) settings->data_bytes = number(flag, value);
        else if (strcmp(flag, "--limit-address") == 0) settings->address_bytes = number(flag, value);
        else if (strcmp(flag, "--limit-fsize") == 0) settings->fsize_bytes = number(flag, value);
        else if (strcmp(flag, "--limit-threads") == 0) settings->threads = number(flag, value);
        else if (strcmp(flag, "--limit-tasks") == 0) settings->tasks = number(flag, value);
        else if (strcmp(flag, "--limit-cpu") == 0) settings->cpu_seconds = number(flag, value);
        else if (strcmp(flag, "--parent-pid") == 0) settings->parent_pid = (pid_t)number(flag, value);
        else if (strcmp(flag, "--tmp") == 0) settings->tmp = value;
        else if (strcmp(flag, "--ro") == 0) {
            if (settings->readable_count == READABLE_PATHS_MAX) usage(flag, "given too often");
            settings->readable[settings->readable_count++] = value;
        } else if (strcmp(flag, "--rw") == 0) {
            if (settings->writable_count == WRITABLE_PATHS_MAX) usage(flag, "given too often");
            settings->writable[settings->writable_count++] = value;
        } else if (strcmp(flag, "--library-path") == 0) {
            if (settings->libraries_count == LIBRARY_PATHS_MAX) usage(flag, "given too often");
            settings->libraries[settings->libraries_count++] = value;
        } else if (strcmp(flag, "--landlock-abi-max") == 0) {
            settings->landlock_abi_max = number(flag, value);
        } else if (strcmp(flag, "--require") == 0) {
            if (strcmp(value, "no_new_privs") == 0) settings->required |= STEP_CONFINED_NO_NEW_PRIVS;
            else if (strcmp(value, "seccomp") == 0) settings->required |= STEP_CONFINED_SECCOMP;
            else if (strcmp(value, "landlock") == 0) settings->required |= STEP_CONFINED_LANDLOCK;
            else usage(flag, "not no_new_privs, seccomp or landlock");
        } else if (strcmp(flag, "--unconfined") == 0) {
            if (strcmp(value, "landlock") == 0) settings->skip_landlock = true;
            else if (strcmp(value, "seccomp") == 0) settings->skip_seccomp = true;
            else if (strcmp(value, "rlimits") == 0) settings->skip_rlimits = true;
            else if (strcmp(value, "uid") == 0) settings->skip_uid = true;
            else usage(flag, "not landlock, seccomp, rlimits or uid");
        } else usage(flag, "unknown flag");
    }
}
