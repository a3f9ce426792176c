#include "loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "confinement.h"

typedef const step_plugin *(*entry_function)(uint32_t, uint32_t);

/* The fields a table must reach to be usable, in its order. */
static const struct {
    const char *name;
    size_t offset;
} required[] = {
    {"open", offsetof(step_plugin, open)},     {"describe", offsetof(step_plugin, describe)},
    {"invoke", offsetof(step_plugin, invoke)}, {"cancel", offsetof(step_plugin, cancel)},
    {"reply", offsetof(step_plugin, reply)},   {"close", offsetof(step_plugin, close)},
    {"extension", offsetof(step_plugin, extension)},
};

static bool check_table(const step_plugin *table, struct problem *problem) {
    if (table == NULL)
        return problem_set(
            problem, "refused", "step_plugin_entry returned NULL: the plugin refuses this host's ABI %d.%d",
            STEP_ABI_MAJOR, STEP_ABI_MINOR);
    size_t needed = sizeof(step_plugin);
    if (table->size < offsetof(step_plugin, open) || table->size < needed)
        return problem_set(
            problem, "table_too_small", "the plugin's table says size %u; version %d.0 has %zu", table->size,
            STEP_ABI_MAJOR, needed);
    if (table->abi_major != STEP_ABI_MAJOR)
        return problem_set(
            problem, "abi_major", "the plugin has ABI %u.%u; this host has %d.%d", table->abi_major, table->abi_minor,
            STEP_ABI_MAJOR, STEP_ABI_MINOR);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        void (*function)(void);
        memcpy(&function, (const char *)table + required[i].offset, sizeof function);
        if (function == NULL)
            return problem_set(problem, "null_function", "the plugin's table has NULL in %s", required[i].name);
    }
    return true;
}

static bool load_image(const char *path, int file, entry_function *entry, struct problem *problem) {
    char through_descriptor[32];
    const char *name = path;
    /* The file may lie under a directory that the unprivileged user cannot pass; the open descriptor still works. */
    if (access(path, R_OK) != 0) {
        snprintf(through_descriptor, sizeof through_descriptor, "/proc/self/fd/%d", file);
        name = through_descriptor;
    }
    void *image = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (image == NULL) {
        const char *text = dlerror();
        const char *unreadable = name == path ? "" : " (its directory is not readable by the step host's user)";
        return problem_set(problem, "load_failed", "%s%s", text == NULL ? "dlopen failed" : text, unreadable);
    }
    void *symbol = dlsym(image, "step_plugin_entry");
    if (symbol == NULL)
        return problem_set(problem, "no_entry", "the file exports no step_plugin_entry: it is not a step plugin");
    memcpy(entry, &symbol, sizeof *entry);
    return true;
}

static bool start_plugin(entry_function entry, step_bytes config, struct loaded *loaded, struct problem *problem) {
    const step_plugin *table = entry(STEP_ABI_MAJOR, STEP_ABI_MINOR);
    if (!check_table(table, problem)) return false;
    int32_t status = table->open(calls_host(), config);
    if (status != 0) return problem_set(problem, "open_failed", "the plugin's open returned %d", status);
    step_bytes description = table->describe();
    if (description.ptr == NULL || description.len == 0)
        return problem_set(problem, "describe_invalid", "the plugin's describe returned nothing");
    if (description.len > DESCRIBE_BYTES_MAX)
        return problem_set(
            problem, "describe_invalid", "the plugin's describe returned %llu bytes, more than %u",
            (unsigned long long)description.len, DESCRIBE_BYTES_MAX);
    loaded->table = table;
    loaded->description = description;
    return true;
}

bool loader_load(
    const struct settings *settings, uint32_t confined, step_bytes path_bytes, step_bytes config,
    struct loaded *loaded, struct problem *problem) {
    char path[PATH_MAX];
    if (path_bytes.len == 0 || path_bytes.len >= sizeof path || memchr(path_bytes.ptr, 0, path_bytes.len) != NULL)
        return problem_set(problem, "file_unreadable", "the path is empty, too long or has a zero byte");
    memcpy(path, path_bytes.ptr, path_bytes.len);
    path[path_bytes.len] = '\0';

    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return problem_set(problem, "file_unreadable", "%.900s: %s", path, strerror(errno));
    char run_path[RUN_PATH_BYTES_MAX];
    entry_function entry = NULL;
    bool loadable = elf_check(file, run_path, problem);
    if (loadable) {
        /* From here on code of the plugin may run: constructors do in dlopen. */
        loadable = confine_before_load(settings, path, file, run_path, &confined, problem);
        loaded->confinement = confined;
        loadable = loadable && load_image(path, file, &entry, problem);
    }
    close(file);
    return loadable && start_plugin(entry, config, loaded, problem);
}
