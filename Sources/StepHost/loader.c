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
#include "step_wire.h"
#include "watchdog.h"

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
    if (description.len > STEP_WIRE_DESCRIBE_BYTES_MAX)
        return problem_set(
            problem, "describe_invalid", "the plugin's describe returned %llu bytes, more than %u",
            (unsigned long long)description.len, STEP_WIRE_DESCRIBE_BYTES_MAX);
    loaded->table = table;
    loaded->description = description;
    return true;
}

/* A stored plugin, opened and judged by its headers. */
struct plugin_file {
    char path[PATH_MAX];
    char run_path[RUN_PATH_BYTES_MAX];
    int file;
};

static bool open_file(
    const struct settings *settings, step_bytes path, struct plugin_file *plugin, struct problem *problem) {
    if (path.len == 0 || path.len >= sizeof plugin->path || memchr(path.ptr, 0, path.len) != NULL)
        return problem_set(problem, "file_unreadable", "the path is empty, too long or has a zero byte");
    memcpy(plugin->path, path.ptr, path.len);
    plugin->path[path.len] = '\0';
    /* Opening a FIFO for reading would wait for a writer. */
    plugin->file = open(plugin->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (plugin->file < 0) return problem_set(problem, "file_unreadable", "%.900s: %s", plugin->path, strerror(errno));
    if (elf_check(plugin->file, plugin->run_path, problem) && libraries_check(settings, plugin->run_path, problem))
        return true;
    close(plugin->file);
    return false;
}

bool loader_load(
    const struct settings *settings, struct confined confined, step_bytes path, step_bytes config,
    void (*tell)(const struct confined *), struct loaded *loaded, struct problem *problem) {
    struct plugin_file plugin;
    entry_function entry = NULL;
    if (!open_file(settings, path, &plugin, problem)) return false;
    bool loadable = confine_before_load(settings, plugin.path, plugin.file, &confined, problem);
    if (loadable) {
        /* The first other thread. */
        watchdog_start();
        tell(&confined);
        /* From here on code of the plugin: constructors run in dlopen. */
        loadable = load_image(plugin.path, plugin.file, &entry, problem);
    }
    close(plugin.file);
    return loadable && start_plugin(entry, config, loaded, problem);
}

static void *open_runtime(const char *directory, size_t length) {
    static const char name[] = "/libswiftCore.so";
    char path[PATH_MAX];
    if (length + sizeof name > sizeof path || directory[0] != '/') return NULL;
    memcpy(path, directory, length);
    memcpy(path + length, name, sizeof name);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

bool loader_find_runtime(
    const struct settings *settings, struct confined confined, step_bytes path, void **runtime,
    struct problem *problem) {
    struct plugin_file plugin;
    *runtime = NULL;
    if (!open_file(settings, path, &plugin, problem)) return false;
    bool is_confined = confine_before_load(settings, plugin.path, plugin.file, &confined, problem);
    close(plugin.file);
    if (!is_confined) return false;
    for (const char *entry = plugin.run_path; *runtime == NULL && *entry != '\0';) {
        size_t length = strcspn(entry, ":");
        *runtime = open_runtime(entry, length);
        entry += length + (entry[length] == ':');
    }
    for (int i = 0; *runtime == NULL && i < settings->libraries_count; i++)
        *runtime = open_runtime(settings->libraries[i], strlen(settings->libraries[i]));
    if (*runtime == NULL) *runtime = dlopen("libswiftCore.so", RTLD_NOW | RTLD_LOCAL);
    return true;
}
