/* The frames between the server and a step host process; used by StepHost and StepHosting only.
 *
 * Channel: one AF_UNIX SOCK_STREAM socket, inherited by the step host as descriptor STEP_WIRE_FD.
 * Frame:   u32 length | u8 kind | u64 call | payload, little endian; length counts everything after itself
 *          (kind + call + payload) and is checked against the limit before anything is allocated.
 * Strings and byte fields inside a payload are u32 length | bytes ("blob").
 *
 * Life:    HELLO (host) → OPEN (server) → CONFINED, then READY, or LOAD_FAILED (host) → CALL … COMPLETE, one or more at
 *          a time. Until CONFINED the step host runs no code but its own: what comes later may be a plugin's forgery.
 *          Or HELLO → NAMES (server) → NAMED or LOAD_FAILED (host), and the host exits.
 * Both ends come from one build: HELLO carries the build id, and another build is refused.
 */
#ifndef STEP_WIRE_H
#define STEP_WIRE_H

#include <stdint.h>

#define STEP_WIRE_FD 3
#define STEP_WIRE_MAGIC 0x31575453u /* "STW1" little endian */
#define STEP_WIRE_VERSION 3u        /* raised by any change of this file */
#define STEP_WIRE_HEADER_BYTES 13u  /* length, kind, call */
#define STEP_WIRE_OVERHEAD_BYTES 9u /* what length counts beside the payload */
#define STEP_WIRE_FRAME_BYTES_MAX (8u << 20)

enum {
    /* host → server */
    STEP_WIRE_HELLO = 1,       /* u32 magic | u32 wire version | u16 abi major | u16 abi minor | u32 pid | u32 confinement
                                  bits in force so far (STEP_CONFINED_*) */
    STEP_WIRE_READY = 2,       /* blob describe JSON | u16 plugin abi major | u16 plugin abi minor */
    STEP_WIRE_LOAD_FAILED = 3, /* blob code | blob message */
    STEP_WIRE_COMPLETE = 4,    /* i32 status | u64 nanoseconds from invoke to complete | f64 risk (the highest score; NaN: none;
                                  infinite: a score was NaN or outside 0…100) | blob payload. Output that does not fit a
                                  frame arrives as FAILED_FINAL with code output_too_large */
    STEP_WIRE_REFUSED = 5,     /* i32 what invoke returned; -1 also when the step host itself has no room for the call */
    STEP_WIRE_HEARTBEAT = 6,   /* blob details; at most one each 100 ms, the latest */
    STEP_WIRE_PROGRESS = 7,    /* f64 fraction | blob note; at most one each 50 ms, the latest */
    STEP_WIRE_LOG = 8,         /* i32 level | blob message, at most 64 KiB | blob fields JSON; dropped and counted while the
                                  socket is full. Call 0: the plugin itself, also before READY */
    STEP_WIRE_REQUEST = 9,     /* u32 kind | u64 token | blob key | blob arg */
    STEP_WIRE_COUNTERS = 10,   /* u64 late or duplicate completions | u64 dropped logs; before exit and after each call that
                                  changed them */
    STEP_WIRE_SLOW = 11,       /* u8 what (1 invoke, 2 cancel, 3 reply): has not returned within 50 ms */
    STEP_WIRE_NAMED = 12,      /* blob names, one a line: those of NAMES, in their order, demangled */
    STEP_WIRE_CONFINED = 13,   /* u32 confinement bits in force: most need the plugin's path and so come after HELLO |
                                  u32 ABI of Landlock in force, 0: none */

    /* server → host */
    STEP_WIRE_OPEN = 32,   /* blob plugin path | blob config JSON */
    STEP_WIRE_CALL = 33,   /* u32 attempt | i64 deadline, ns since 1970 | blob function | blob input | blob workflow |
                              blob execution id | blob step name | blob idempotency key | blob checkpoint */
    STEP_WIRE_CANCEL = 34, /* u32 reason */
    STEP_WIRE_REPLY = 35,  /* u64 token | i32 status | blob value */
    STEP_WIRE_CLOSE = 36,  /* empty: close the plugin and exit 0 */
    STEP_WIRE_NAMES = 37   /* blob plugin path | blob mangled names, one a line */
};

/* The largest values of fields; the server ends a host that sends larger ones. */
enum {
    STEP_WIRE_DESCRIBE_BYTES_MAX = 4 << 20,
    STEP_WIRE_DETAILS_BYTES_MAX = 1 << 20,       /* heartbeat details, and the argument of a request */
    STEP_WIRE_NOTE_BYTES_MAX = 4 << 10,          /* progress note, and the key of a request */
    STEP_WIRE_LOG_MESSAGE_BYTES_MAX = 64 << 10,
    STEP_WIRE_LOG_FIELDS_BYTES_MAX = 64 << 10,
    STEP_WIRE_PROBLEM_BYTES_MAX = 1024,          /* code and message of LOAD_FAILED, each */
    STEP_WIRE_NAME_BYTES_MAX = 1024,             /* one name of NAMES and NAMED; longer ones are cut */
    STEP_WIRE_NAMES_MAX = 64                     /* names of NAMES */
};

/* Confinement that the step host could put in force before it loaded the plugin. */
enum {
    STEP_CONFINED_RLIMITS = 1,
    STEP_CONFINED_NO_NEW_PRIVS = 2,
    STEP_CONFINED_LANDLOCK = 4,
    STEP_CONFINED_SECCOMP = 8,
    STEP_CONFINED_UNPRIVILEGED = 16,
    STEP_CONFINED_PDEATHSIG = 32
};

#endif
