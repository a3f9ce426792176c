import FixtureCache
import Foundation

/// Plugins in C that the step host's tests compile for themselves.
enum FixturePlugin {
    /// One function per behaviour. `-D` defects spoil what the loader must notice.
    static let source = #"""
        #include <errno.h>
        #include <fcntl.h>
        #include <math.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        #include "step_abi.h"
        #ifndef NO_NOTE
        STEP_ABI_NOTE();
        #endif

        static const step_host *host;
        static step_call_id waiting;

        static step_bytes text(const char *value) { return (step_bytes){(const uint8_t *)value, strlen(value)}; }
        static void done(step_call_id id, const char *output) { host->complete(host->ctx, id, STEP_STATUS_OK, text(output)); }

        static int32_t plugin_open(const step_host *given, step_bytes config) {
            (void)config;
            host = given;
        #ifdef OPEN_FAILS
            return 42;
        #endif
            host->log(host->ctx, 0, STEP_LOG_INFO, text("opened"), text(""));
            return 0;
        }
        static step_bytes plugin_describe(void) {
        #ifdef NO_DESCRIPTION
            return text("");
        #endif
            return text("{\"name\":\"fixture\",\"version\":\"1\",\"functions\":[]}");
        }
        __attribute__((noinline)) int crash_here(volatile int *nowhere) { *nowhere = 1; return *nowhere; }
        __attribute__((noinline)) int recurse(volatile char *before) {
            volatile char room[4096];
            room[0] = before[0];
            return recurse(room) + room[0];
        }
        static void *overflow(void *unused) { (void)unused; char c = 0; recurse(&c); return NULL; }
        static int is(const step_call *call, const char *name) {
            return call->function.len == strlen(name) && memcmp(call->function.ptr, name, call->function.len) == 0;
        }
        /* libdispatch watches its workers so, and traps where it cannot. */
        static void *read_thread_state(void *error) {
            char path[64];
            snprintf(path, sizeof path, "/proc/%ld/stat", syscall(SYS_gettid));
            *(int *)error = open(path, O_RDONLY) < 0 ? errno : 0;
            return NULL;
        }
        static void confined(step_call_id id) {
            char output[400];
            int thread_error = -1;
            pthread_t thread;
            if (pthread_create(&thread, NULL, read_thread_state, &thread_error) == 0) pthread_join(thread, NULL);
            int fork_error = 0, socket_error = 0, write_error = 0, read_error = 0, temporary_error = 0;
            pid_t child = fork();
            if (child == 0) _exit(0);
            if (child < 0) fork_error = errno;
            if (socket(AF_INET, SOCK_STREAM, 0) < 0) socket_error = errno;
            if (open("/var/tmp/stepkit-escape", O_CREAT | O_WRONLY, 0600) < 0) write_error = errno;
            if (open("/etc/shadow", O_RDONLY) < 0) read_error = errno;
            const char *directory = getenv("TMPDIR");
            snprintf(output, sizeof output, "%s/file", directory == NULL ? "." : directory);
            if (open(output, O_CREAT | O_WRONLY, 0600) < 0) temporary_error = errno;
            snprintf(output, sizeof output, "{\"fork\":%d,\"socket\":%d,\"write\":%d,\"read\":%d,\"temporary\":%d,\"uid\":%d,\"thread\":%d}",
                fork_error, socket_error, write_error, read_error, temporary_error, (int)getuid(), thread_error);
            done(id, output);
        }
        static int32_t plugin_invoke(const step_call *call) {
            step_call_id id = call->id;
            if (is(call, "echo")) {
                host->complete(host->ctx, id, STEP_STATUS_OK, call->input);
            } else if (is(call, "twice")) {
                done(id, "1");
                done(id, "2");
                done(0, "3");
            } else if (is(call, "big")) {
                size_t bytes = 9u << 20;
                char *output = malloc(bytes);
                memset(output, '1', bytes);
                host->complete(host->ctx, id, STEP_STATUS_OK, (step_bytes){(uint8_t *)output, bytes});
                free(output);
            } else if (is(call, "heartbeats")) {
                char details[32];
                for (int i = 1; i <= 100000; i++) {
                    snprintf(details, sizeof details, "%d", i);
                    host->heartbeat(host->ctx, id, text(details));
                    host->progress(host->ctx, id, i / 100000.0, text(details));
                }
                done(id, "true");
            } else if (is(call, "risk")) {
                host->risk(host->ctx, id, 20);
                host->risk(host->ctx, id, 71.5);
                host->risk(host->ctx, id, 3);
                done(id, "true");
            } else if (is(call, "badrisk")) {
                host->risk(host->ctx, id, NAN);
                host->risk(host->ctx, id, 50);
                done(id, "true");
            } else if (is(call, "longlog")) {
                char *message = malloc(200000);
                memset(message, 'x', 200000);
                host->log(host->ctx, id, STEP_LOG_ERROR, (step_bytes){(uint8_t *)message, 200000}, text("{}"));
                free(message);
                done(id, "true");
            } else if (is(call, "flood")) {
                for (int i = 0; i < 200000; i++) host->log(host->ctx, id, STEP_LOG_INFO, text("again and again"), text(""));
                char gate[300];
                snprintf(gate, sizeof gate, "%s/flooded", getenv("TMPDIR"));
                close(open(gate, O_WRONLY)); /* waits for the test, which reads nothing before */
                done(id, "true");
            } else if (is(call, "slow")) {
                usleep(200000);
                done(id, "true");
            } else if (is(call, "secret")) {
                waiting = id;
                if (host->request(host->ctx, id, 99, text("x"), text(""), 1) != STEP_REPLY_UNKNOWN_KIND) return 9;
                host->request(host->ctx, id, STEP_REQUEST_SECRET_GET, text("token"), text(""), 77);
            } else if (is(call, "wait")) {
                waiting = id;
            } else if (is(call, "confined")) {
                confined(id);
            } else if (is(call, "crash")) {
                crash_here(NULL);
            } else if (is(call, "overflow")) {
                pthread_t thread;
                pthread_create(&thread, NULL, overflow, NULL);
            } else if (is(call, "abort")) {
                abort();
            } else if (is(call, "leave")) {
                exit(0);
            } else {
                return 5;
            }
            return 0;
        }
        static void plugin_cancel(step_call_id id, uint32_t reason) {
            char output[64];
            snprintf(output, sizeof output, "[%u,%u]", reason, host->cancel_reason(host->ctx, id));
            host->complete(host->ctx, id, STEP_STATUS_CANCELLED, text(output));
        }
        static void plugin_reply(uint64_t token, int32_t status, step_bytes value) {
            char output[64];
            snprintf(output, sizeof output, "[%d,%d,%d]", (int)token, (int)status, (int)value.len);
            done(waiting, output);
        }
        static void plugin_close(void) {}
        static const void *plugin_extension(const char *id) { (void)id; return NULL; }

        #ifndef NO_ENTRY
        STEP_EXPORT const step_plugin *step_plugin_entry(uint32_t major, uint32_t minor) {
            (void)major, (void)minor;
            static step_plugin table = {
                sizeof(step_plugin), STEP_ABI_MAJOR, STEP_ABI_MINOR, plugin_open, plugin_describe, plugin_invoke,
                plugin_cancel, plugin_reply, plugin_close, plugin_extension};
        #ifdef REFUSES
            return NULL;
        #endif
        #ifdef SMALL_TABLE
            table.size = 24;
        #endif
        #ifdef NEWER_MINOR
            table.abi_minor = 9;
            table.size += 64;
        #endif
        #ifdef OTHER_MAJOR
            table.abi_major = 2;
        #endif
        #ifdef NULL_INVOKE
            table.invoke = NULL;
        #endif
            return &table;
        }
        #endif
        """#

    /// Compiles the fixture with a defect (empty for none), and puts it into the directory.
    static func build(_ defect: String, in directory: URL) throws -> String {
        let name = "libfixture\(defect).so"
        let script = """
            cat > fixture.c <<'END' && cc -std=gnu11 -O1 -Wall -Wextra -shared -fPIC -fno-optimize-sibling-calls \
            -Wno-infinite-recursion -D\(defect.isEmpty ? "NO_DEFECT" : defect) -I '\(Tool.headers)' fixture.c \
            -o \(name) -lpthread -lm
            \(source)
            END
            """
        let recipe = FixtureCache.Recipe(script, compiler: "cc", sources: [Tool.headers])
        let built = try FixtureCache.shared.directory(of: recipe)
        return try copy("\(built)/\(name)", into: directory)
    }

    /// Compiles the example plugin of `plugins/example-c` as its author would, and puts it into the directory.
    static func buildExample(in directory: URL) throws -> String {
        let sources = Tool.root.appending(path: "plugins/example-c/Sources/TextStatistics").path
        let script = """
            cc -std=c11 -shared -fPIC -Wall -Wextra -Werror -pedantic -fvisibility=hidden -I '\(Tool.headers)' \
            '\(sources)/plugin.c' '\(sources)/json.c' -o libtext.so -lpthread
            """
        let recipe = FixtureCache.Recipe(script, compiler: "cc", sources: [Tool.headers, sources])
        let built = try FixtureCache.shared.directory(of: recipe)
        return try copy("\(built)/libtext.so", into: directory)
    }

    private static func copy(_ library: String, into directory: URL) throws -> String {
        let place = directory.appending(path: URL(filePath: library).lastPathComponent).path
        try FileManager.default.copyItem(atPath: library, toPath: place)
        return place
    }
}
