#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "confinement.h"

const char *const library_directories[] = {
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", NULL,
};

/* Whether `path` is the directory or lies below it; both without links. */
static bool is_within(const char *path, const char *directory) {
    char resolved[PATH_MAX];
    if (realpath(directory, resolved) == NULL) return false;
    size_t length = strlen(resolved);
    return strncmp(path, resolved, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_allowed(const struct settings *settings, const char *path) {
    for (size_t i = 0; library_directories[i] != NULL; i++)
        if (is_within(path, library_directories[i])) return true;
    for (int i = 0; i < settings->libraries_count; i++)
        if (is_within(path, settings->libraries[i])) return true;
    return false;
}

static bool refuse(struct problem *problem, const char *entry, const char *why) {
    return problem_set(
        problem, "run_path_refused",
        "the plugin's RUNPATH names %.500s, %s; directories of libraries are granted by the setting "
        "plugin_library_directories",
        entry, why);
}

static bool check_entry(const struct settings *settings, const char *entry, struct problem *problem) {
    char resolved[PATH_MAX];
    if (strcmp(entry, "$ORIGIN") == 0 || strcmp(entry, "${ORIGIN}") == 0) return true;
    if (strchr(entry, '$') != NULL) return refuse(problem, entry, "which depends on where the file lies");
    if (entry[0] != '/') return refuse(problem, entry[0] == '\0' ? "the working directory" : entry, "a relative path");
    if (realpath(entry, resolved) == NULL) return true; /* not on this machine */
    if (!is_allowed(settings, resolved)) return refuse(problem, entry, "which is no directory of libraries");
    return true;
}

bool libraries_check(const struct settings *settings, const char *run_path, struct problem *problem) {
    if (*run_path == '\0') return true;
    for (;;) {
        size_t length = strcspn(run_path, ":");
        char entry[PATH_MAX];
        if (length >= sizeof entry) return refuse(problem, "a longer path", "than a path can be");
        memcpy(entry, run_path, length);
        entry[length] = '\0';
        if (!check_entry(settings, entry, problem)) return false;
        if (run_path[length] == '\0') return true;
        run_path += length + 1;
    }
}
