/* Writes where a fatal signal struck, as lines on stderr, and lets the signal take its course:
 *
 *   stepstream-crash: signal 11 address 0x0
 *   stepstream-frame: IMAGE+0xOFFSET SYMBOL      SYMBOL only where the image exports one; innermost first
 */
#ifndef STEP_HOST_CRASH_H
#define STEP_HOST_CRASH_H

#include <stdint.h>

/* Threads of the plugin get a stack for that; of more than `threads_max` (0: any number) none is started. */
void crash_install(uint64_t threads_max);

#endif
