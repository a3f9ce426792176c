/* The calls in flight, and the table of functions a plugin may call. */
#ifndef STEP_HOST_CALLS_H
#define STEP_HOST_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "step_abi.h"

#define CALLS_MAX 1024                      /* in flight at once; further ones are refused */
#define REQUESTS_PER_CALL_MAX 10000         /* further ones are refused */
#define REQUESTS_WAITING_MAX 64             /* of one call without an answer yet; further ones are refused */
#define HEARTBEAT_INTERVAL_MS 100
#define PROGRESS_INTERVAL_MS 50

enum { REFUSED_BY_HOST = -1 }; /* too many calls, or an id that is already in flight */

/* The table handed to the plugin. */
const step_host *calls_host(void);

/* Notes a call as begun now. */
bool calls_begin(step_call_id call);
/* Forgets a call that invoke refused; false when it was completed all the same. */
bool calls_withdraw(step_call_id call);
/* Notes why a call is cancelled; false when it is not in flight any more. */
bool calls_cancel(step_call_id call, uint32_t reason);

/* Notes that a request of the call has its answer. */
void calls_answered(step_call_id call, uint64_t token);

/* Sends what coalescing held back and is due, and the counters when they changed. */
void calls_flush_due(void);
/* True while something held back waits for calls_flush_due. */
bool calls_held_back(void);
void calls_send_counters(void);

uint64_t monotonic_ns(void);

#endif
