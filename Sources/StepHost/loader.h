/* Opens, checks and loads the one plugin of this process. */
#ifndef STEP_HOST_LOADER_H
#define STEP_HOST_LOADER_H

#include <stdbool.h>

#include "elf_check.h"
#include "settings.h"
#include "step_abi.h"

#define DESCRIBE_BYTES_MAX (4u << 20)

struct loaded {
    const step_plugin *table;
    step_bytes description;
    uint32_t confinement; /* STEP_CONFINED_ bits in force */
};

/* Confines the process, then runs the plugin's first code. The path is not NUL-terminated. */
bool loader_load(
    const struct settings *settings, uint32_t confined, step_bytes path, step_bytes config, struct loaded *loaded,
    struct problem *problem);

#endif
