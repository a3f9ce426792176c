/* Looks, from its first code on and from a thread of its own, for a thread of the process that is not confined. */
#include "fixture.h"
#include <dirent.h>
#include <stdatomic.h>

static atomic_uint scans, unconfined;
static atomic_bool stop;
static char sample[256];

static bool has(const char *status, const char *line) { return strstr(status, line) != NULL; }

static void scan(void) {
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        char path[300], status[8192];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file == NULL) continue; /* it has ended */
        size_t count = fread(status, 1, sizeof status - 1, file);
        fclose(file);
        status[count] = '\0';
        if (count == 0 || (has(status, "\nSeccomp:\t2\n") && has(status, "\nNoNewPrivs:\t1\n"))) continue;
        atomic_fetch_add(&unconfined, 1);
        snprintf(sample, sizeof sample, "%.100s", entry->d_name);
    }
    if (tasks != NULL) closedir(tasks);
    atomic_fetch_add(&scans, tasks != NULL);
}

static void *watch(void *unused) {
    while (!atomic_load(&stop)) scan();
    return unused;
}

static pthread_t watcher;

__attribute__((constructor)) static void begin(void) {
    scan();
    pthread_create(&watcher, NULL, watch, NULL);
}

static int32_t act(const step_call *call) {
    scan();
    atomic_store(&stop, true);
    pthread_join(watcher, NULL);
    char output[400];
    snprintf(
        output, sizeof output, "{\"looked\":%s,\"unconfined\":%u,\"thread\":\"%s\"}",
        atomic_load(&scans) >= 2 ? "true" : "false", atomic_load(&unconfined), sample);
    complete(call->id, output);
    return 0;
}
