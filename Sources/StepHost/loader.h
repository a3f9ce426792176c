/* Opens, checks and loads the one plugin of this process. */
#ifndef STEP_HOST_LOADER_H
#define STEP_HOST_LOADER_H

#include <stdbool.h>

#include "confinement.h"
#include "elf_check.h"
#include "settings.h"
#include "step_abi.h"

struct loaded {
    const step_plugin *table;
    step_bytes description;
};

/* Confines the process, tells what holds it, then runs the plugin's first code. The path is not NUL-terminated. */
bool loader_load(
    const struct settings *settings, struct confined confined, step_bytes path, step_bytes config,
    void (*tell)(const struct confined *), struct loaded *loaded, struct problem *problem);

/* Confines the process as if the plugin were to be loaded, runs nothing of it, and opens the Swift runtime that its
 * RUNPATH or --library-path leads to. *runtime is NULL if there is none. */
bool loader_find_runtime(
    const struct settings *settings, struct confined confined, step_bytes path, void **runtime,
    struct problem *problem);

#endif
