/* Judges a shared object by its headers before dlopen does: a truncated file kills dlopen with SIGBUS, and
 * dlerror calls a file for another machine "No such file or directory". */
#ifndef STEP_HOST_ELF_CHECK_H
#define STEP_HOST_ELF_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "step_wire.h"

#define RUN_PATH_BYTES_MAX 4096

struct problem {
    const char *code;
    char message[STEP_WIRE_PROBLEM_BYTES_MAX];
};

/* Fills in the problem and returns false. */
bool problem_set(struct problem *problem, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads from the open file; run_path receives DT_RUNPATH (or DT_RPATH), empty when there is none. */
bool elf_check(int file, char run_path[RUN_PATH_BYTES_MAX], struct problem *problem);

#endif
