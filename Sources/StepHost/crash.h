/* Writes where a fatal signal struck, as lines on stderr, and lets the signal take its course:
 *
 *   stepstream-crash: signal 11 address 0x0
 *   stepstream-frame: IMAGE+0xOFFSET SYMBOL      SYMBOL only where the image exports one; innermost first
 */
#ifndef STEP_HOST_CRASH_H
#define STEP_HOST_CRASH_H

void crash_install(void);

#endif
