/* Stepstream step plugin ABI, version 1.
 *
 * The whole contract between a step plugin and the process that loads it. A plugin is a shared object that exports
 * one function, step_plugin_entry, which returns a table. Bytes go in, bytes come out; no C++ or Swift type and no
 * allocator crosses.
 *
 * Rules
 *  R1  One symbol is exported, and it is a function.
 *  R2  The major version must match. For the minor, both sides use only fields inside min(size) of a table. Structs grow
 *      at the end only, enums are never renumbered, an unknown value means "other".
 *  R3  Anything optional is an extension id with a revision ("stepstream.name/1"), never a new core field.
 *  R4  Bytes are borrowed for the duration of the call, in either direction. Nobody frees the other's memory.
 *  R5  Strings are UTF-8, JSON is RFC 8259. The host validates; output that is not valid fails the step.
 *  R6  Host functions are thread-safe and may be called from any thread until complete; afterwards they are ignored.
 *  R7  Exactly one complete for each accepted call; the first counts.
 *  R8  invoke, cancel and reply return within 50 ms; work goes to threads of the plugin's own.
 *  R9  Nothing unwinds across the boundary: no exception, no longjmp.
 *  R10 No fork, no exit, no signal handlers. stdin is /dev/null; stdout and stderr are captured as logs.
 *  R11 close may never run; keep no state that needs it.
 *  R12 Steps run at least once: use idempotency_key for effects outside.
 */
#ifndef STEP_ABI_H
#define STEP_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STEP_ABI_MAJOR 1
#define STEP_ABI_MINOR 0

#if defined(__GNUC__)
#define STEP_EXPORT __attribute__((visibility("default")))
#else
#define STEP_EXPORT
#endif

/* Borrowed bytes; ptr may be NULL when len is 0. */
typedef struct step_bytes {
    const uint8_t *ptr;
    uint64_t len;
} step_bytes;

/* Unique for the life of the process; 0 is never a call. */
typedef uint64_t step_call_id;

/* How a call ended: the status of step_host.complete. */
enum {
    STEP_STATUS_OK = 0,           /* payload: the output, UTF-8 JSON */
    STEP_STATUS_FAILED = 1,       /* may be repeated; payload: {"code":…,"message":…,"retry_after_ms":…} or plain text */
    STEP_STATUS_FAILED_FINAL = 2, /* must not be repeated; payload as above */
    STEP_STATUS_CANCELLED = 3     /* the step stopped because it was asked to */
};

/* Why a call is being cancelled: step_plugin.cancel, step_host.cancel_reason. */
enum {
    STEP_CANCEL_NONE = 0,
    STEP_CANCEL_REQUESTED = 1, /* somebody cancelled the execution */
    STEP_CANCEL_DEADLINE = 2,  /* the attempt's time is over */
    STEP_CANCEL_SHUTDOWN = 3,  /* the server is stopping; the step will run again */
    STEP_CANCEL_HEARTBEAT = 4  /* no heartbeat came for the time that describe gave */
};

enum {
    STEP_LOG_DEBUG = 0,
    STEP_LOG_INFO = 1,
    STEP_LOG_WARNING = 2,
    STEP_LOG_ERROR = 3
};

/* Kinds of step_host.request; others are reserved. */
enum {
    STEP_REQUEST_SECRET_GET = 1 /* key: the secret's name; the answer's value: its bytes */
};

/* Status of step_plugin.reply and the result of step_host.request. */
enum {
    STEP_REPLY_OK = 0,
    STEP_REPLY_NOT_FOUND = 1,
    STEP_REPLY_REFUSED = 2,
    STEP_REPLY_UNKNOWN_KIND = 3
};

/* One attempt of one step. Valid until invoke returns. */
typedef struct step_call {
    uint32_t size;
    uint32_t attempt; /* from 1 */
    step_call_id id;
    step_bytes function;     /* the name that describe gave it */
    step_bytes input;        /* UTF-8 JSON */
    step_bytes workflow;
    step_bytes execution_id;
    step_bytes step_name;
    step_bytes idempotency_key; /* the same for every attempt of one step */
    int64_t deadline_unix_ns;   /* 0: none */
    step_bytes checkpoint;      /* last heartbeat details of the previous attempt; may be empty */
} step_call;

/* Host to plugin. Valid for the life of the process. Read only fields that lie inside size. */
typedef struct step_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    void *ctx; /* first argument of every function below */
    void (*complete)(void *ctx, step_call_id call, int32_t status, step_bytes payload);
    void (*heartbeat)(void *ctx, step_call_id call, step_bytes details); /* coalesced by the host */
    void (*progress)(void *ctx, step_call_id call, double fraction, step_bytes note); /* 0…1 */
    void (*risk)(void *ctx, step_call_id call, double score); /* 0…100, before complete */
    void (*log)(void *ctx, step_call_id call, int32_t level, step_bytes message, step_bytes fields_json);
    uint32_t (*cancel_reason)(void *ctx, step_call_id call); /* STEP_CANCEL_NONE: keep going */
    /* Asks the host for something. 0: accepted, the answer arrives by step_plugin.reply with the token; otherwise a
     * STEP_REPLY_ value and no answer follows. STEP_REPLY_REFUSED: the call is over, its token waits for an answer
     * already, or it asks for too much: 64 requests without an answer, 10,000 in all. */
    int32_t (*request)(void *ctx, step_call_id call, uint32_t kind, step_bytes key, step_bytes arg, uint64_t token);
    const void *(*extension)(void *ctx, const char *id); /* NULL: not offered */
} step_host;

/* Plugin to host. Valid for the life of the process. */
typedef struct step_plugin {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    /* Once, before any invoke. config: UTF-8 JSON object. 0: ready. */
    int32_t (*open)(const step_host *host, step_bytes config);
    /* Static lifetime. {"name":…,"version":…,"sdk":…,"functions":[{"name":…,"summary":…,"input":schema,"output":schema}]}
     * A function whose SDK cannot make a schema has "schema_problem": text instead of the schema.
     * A function with "heartbeat_timeout_ms": 500…86400000 promises heartbeats: an attempt that is silent for so long is
     * told to stop, and killed if it goes on. */
    step_bytes (*describe)(void);
    /* Starts the call and returns; 0: accepted, exactly one complete follows. Otherwise refused, and none follows. */
    int32_t (*invoke)(const step_call *call);
    void (*cancel)(step_call_id call, uint32_t reason);
    void (*reply)(uint64_t token, int32_t status, step_bytes value);
    void (*close)(void);                        /* best effort */
    const void *(*extension)(const char *id);   /* NULL: not offered */
} step_plugin;

/* The one exported symbol. NULL refuses the host. */
STEP_EXPORT const step_plugin *step_plugin_entry(uint32_t host_major, uint32_t host_minor);

/* The note in ELF section "stepabi": lets a tool judge a file without running it. */
#define STEP_ABI_SECTION "stepabi"
#define STEP_ABI_MAGIC 0x49424150455453ull /* "STEPABI" and a zero byte, little endian */
typedef struct step_abi_note {
    uint64_t magic;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t flags;
    uint64_t sdk_version; /* major << 32 | minor << 16 | patch; 0: no SDK */
    uint64_t reserved;
} step_abi_note;

/* A plugin in C or C++ writes STEP_ABI_NOTE(); once, at file scope. */
#if defined(__GNUC__)
#define STEP_ABI_NOTE()                                                                              \
    __attribute__((used, section(STEP_ABI_SECTION))) static const step_abi_note step_abi_note_v1 = { \
        STEP_ABI_MAGIC, STEP_ABI_MAJOR, STEP_ABI_MINOR, 0, 0, 0}
#endif

#ifdef __cplusplus
}
#endif
#endif
