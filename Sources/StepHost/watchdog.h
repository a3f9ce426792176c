/* A thread that says when the plugin keeps the reader for too long (R8) and sends what coalescing held back. */
#ifndef STEP_HOST_WATCHDOG_H
#define STEP_HOST_WATCHDOG_H

#include <stdint.h>

#include "step_abi.h"

enum { ENTERED_INVOKE = 1, ENTERED_CANCEL = 2, ENTERED_REPLY = 3 }; /* as in STEP_WIRE_SLOW */

void watchdog_start(void);
/* Around each entry of the reader into the plugin. */
void watchdog_enter(uint8_t what, step_call_id call);
void watchdog_leave(void);
/* Something was held back. */
void watchdog_wake(void);

#endif
