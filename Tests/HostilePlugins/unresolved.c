/* 24: needs a symbol that nobody has. */
#include "fixture.h"
extern int nobody_defines_this(void);
static int32_t act(const step_call *call) { (void)call; return nobody_defines_this(); }
