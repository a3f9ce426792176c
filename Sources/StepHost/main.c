/* The step host: a small process that confines itself, loads one plugin and speaks frames with the server.
 * It links no Swift; a plugin's own RUNPATH brings its runtime. Flags: settings.h. Frames: step_wire.h. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "calls.h"
#include "channel.h"
#include "confinement.h"
#include "crash.h"
#include "loader.h"
#include "names.h"
#include "settings.h"
#include "step_abi.h"
#include "step_wire.h"
#include "watchdog.h"

static _Noreturn void protocol_error(const char *what) {
    dprintf(STDERR_FILENO, "stepstream-step-host: %s\n", what);
    _exit(EXIT_PROTOCOL);
}

static void send_now(struct frame_out *frame) {
    channel_lock();
    channel_send(frame);
    channel_unlock();
}

static void send_hello(const struct confined *confined) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_HELLO, 0);
    frame_put_u32(&frame, STEP_WIRE_MAGIC);
    frame_put_u32(&frame, STEP_WIRE_VERSION);
    uint16_t version[2] = {STEP_ABI_MAJOR, STEP_ABI_MINOR};
    frame_put(&frame, version, sizeof version);
    frame_put_u32(&frame, (uint32_t)getpid());
    frame_put_u32(&frame, confined->measures);
    send_now(&frame);
}

static void send_ready(const struct loaded *loaded) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_READY, 0);
    frame_put_blob(&frame, loaded->description.ptr, loaded->description.len);
    uint16_t version[2] = {loaded->table->abi_major, loaded->table->abi_minor};
    frame_put(&frame, version, sizeof version);
    send_now(&frame);
}

/* Sent before the plugin's first code runs. */
static void send_confined(const struct confined *confined) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_CONFINED, 0);
    frame_put_u32(&frame, confined->measures);
    frame_put_u32(&frame, confined->landlock_abi);
    send_now(&frame);
}

static void send_load_failed(const struct problem *problem) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_LOAD_FAILED, 0);
    frame_put_blob(&frame, problem->code, __builtin_strlen(problem->code));
    frame_put_blob(&frame, problem->message, __builtin_strlen(problem->message));
    send_now(&frame);
}

static void send_refused(step_call_id call, int32_t status) {
    struct frame_out frame;
    frame_begin(&frame, STEP_WIRE_REFUSED, call);
    frame_put_u32(&frame, (uint32_t)status);
    send_now(&frame);
}

static void handle_call(const step_plugin *plugin, struct frame_in *frame) {
    step_call call = {.size = sizeof call, .id = frame->call};
    call.attempt = frame_take_u32(frame);
    call.deadline_unix_ns = (int64_t)frame_take_u64(frame);
    call.function = frame_take_blob(frame);
    call.input = frame_take_blob(frame);
    call.workflow = frame_take_blob(frame);
    call.execution_id = frame_take_blob(frame);
    call.step_name = frame_take_blob(frame);
    call.idempotency_key = frame_take_blob(frame);
    call.checkpoint = frame_take_blob(frame);
    if (frame->malformed) protocol_error("a CALL frame ends too early");
    if (!calls_begin(call.id)) {
        send_refused(call.id, REFUSED_BY_HOST);
        return;
    }
    watchdog_enter(ENTERED_INVOKE, call.id);
    int32_t status = plugin->invoke(&call);
    watchdog_leave();
    if (status != 0 && calls_withdraw(call.id)) send_refused(call.id, status);
}

static void handle_cancel(const step_plugin *plugin, struct frame_in *frame) {
    uint32_t reason = frame_take_u32(frame);
    if (frame->malformed) protocol_error("a CANCEL frame ends too early");
    if (!calls_cancel(frame->call, reason)) return; /* it has completed meanwhile */
    watchdog_enter(ENTERED_CANCEL, frame->call);
    plugin->cancel(frame->call, reason);
    watchdog_leave();
}

static void handle_reply(const step_plugin *plugin, struct frame_in *frame) {
    uint64_t token = frame_take_u64(frame);
    int32_t status = (int32_t)frame_take_u32(frame);
    step_bytes value = frame_take_blob(frame);
    if (frame->malformed) protocol_error("a REPLY frame ends too early");
    calls_answered(frame->call, token);
    watchdog_enter(ENTERED_REPLY, frame->call);
    plugin->reply(token, status, value);
    watchdog_leave();
}

static void open_plugin(
    const struct settings *settings, struct confined confined, struct frame_in *frame, struct loaded *loaded) {
    step_bytes path = frame_take_blob(frame);
    step_bytes config = frame_take_blob(frame);
    if (frame->malformed) protocol_error("an OPEN frame ends too early");
    struct problem problem;
    if (loader_load(settings, confined, path, config, send_confined, loaded, &problem)) {
        send_ready(loaded);
    } else {
        send_load_failed(&problem);
        _exit(0);
    }
}

/* Translates mangled names instead of loading a plugin. The demangler parses text that the plugin's author wrote, so it
 * runs in this confined process and not in the server. */
static _Noreturn void translate_names(
    const struct settings *settings, struct confined confined, struct frame_in *frame) {
    step_bytes path = frame_take_blob(frame);
    step_bytes names = frame_take_blob(frame);
    if (frame->malformed) protocol_error("a NAMES frame ends too early");
    struct problem problem;
    void *runtime;
    if (loader_find_runtime(settings, confined, path, &runtime, &problem)) {
        step_bytes translated = names_translate(runtime, names);
        struct frame_out answer;
        frame_begin(&answer, STEP_WIRE_NAMED, 0);
        frame_put_blob(&answer, translated.ptr, translated.len);
        send_now(&answer);
    } else {
        send_load_failed(&problem);
    }
    _exit(0);
}

int main(int argc, char **argv) {
    struct settings settings;
    settings_parse(&settings, argc, argv);
    channel_adopt();
    struct confined confined = confine_at_start(&settings);
    crash_install(settings.threads);
    send_hello(&confined);

    struct loaded loaded = {0};
    struct frame_in frame;
    while (channel_read(&frame)) {
        bool is_open = loaded.table != NULL;
        switch (frame.kind) {
        case STEP_WIRE_OPEN:
            if (is_open) protocol_error("a second OPEN frame");
            open_plugin(&settings, confined, &frame, &loaded);
            break;
        case STEP_WIRE_NAMES:
            if (is_open) protocol_error("a NAMES frame after OPEN");
            translate_names(&settings, confined, &frame);
        case STEP_WIRE_CALL:
            if (!is_open) protocol_error("a CALL frame before OPEN");
            handle_call(loaded.table, &frame);
            break;
        case STEP_WIRE_CANCEL:
            if (is_open) handle_cancel(loaded.table, &frame);
            break;
        case STEP_WIRE_REPLY:
            if (is_open) handle_reply(loaded.table, &frame);
            break;
        case STEP_WIRE_CLOSE:
            if (is_open) loaded.table->close();
            calls_send_counters();
            _exit(0);
        default:
            protocol_error("an unknown frame kind");
        }
    }
    /* The server closed the channel. Nothing of the plugin's is run on the way out. */
    _exit(0);
}
