/* Names of functions, as their Swift source has them. */
#ifndef STEP_HOST_NAMES_H
#define STEP_HOST_NAMES_H

#include "step_abi.h"

/* The names, one a line, each translated by the runtime's demangler and cut to STEP_WIRE_NAME_BYTES_MAX; a name that is
 * none of Swift's stays. The bytes live until the process ends. */
step_bytes names_translate(void *runtime, step_bytes names);

#endif
