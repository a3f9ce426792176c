import Foundation
import StepABI
import Testing

/// The layout of version 1.0 on a 64-bit machine, as a C and a C++ compiler see it.
@Suite struct HeaderTests {
    /// Sizes and offsets in bytes. A released layout never changes; it grows at the end.
    private static let layout = """
        #include <stddef.h>
        #include "step_abi.h"
        #include "step_wire.h"
        #ifdef __cplusplus
        #define CHECK(condition) static_assert(condition, #condition)
        #else
        #define CHECK(condition) _Static_assert(condition, #condition)
        #endif
        #define AT(type, field, offset) CHECK(offsetof(type, field) == offset)
        CHECK(sizeof(step_bytes) == 16); AT(step_bytes, ptr, 0); AT(step_bytes, len, 8);
        CHECK(sizeof(step_call_id) == 8);
        CHECK(sizeof(step_call) == 136); AT(step_call, size, 0); AT(step_call, attempt, 4); AT(step_call, id, 8);
        AT(step_call, function, 16); AT(step_call, input, 32); AT(step_call, workflow, 48);
        AT(step_call, execution_id, 64); AT(step_call, step_name, 80); AT(step_call, idempotency_key, 96);
        AT(step_call, deadline_unix_ns, 112); AT(step_call, checkpoint, 120);
        CHECK(sizeof(step_host) == 80); AT(step_host, size, 0); AT(step_host, abi_major, 4); AT(step_host, abi_minor, 6);
        AT(step_host, ctx, 8); AT(step_host, complete, 16); AT(step_host, heartbeat, 24); AT(step_host, progress, 32);
        AT(step_host, risk, 40); AT(step_host, log, 48); AT(step_host, cancel_reason, 56); AT(step_host, request, 64);
        AT(step_host, extension, 72);
        CHECK(sizeof(step_plugin) == 64); AT(step_plugin, size, 0); AT(step_plugin, abi_major, 4);
        AT(step_plugin, abi_minor, 6); AT(step_plugin, open, 8); AT(step_plugin, describe, 16);
        AT(step_plugin, invoke, 24); AT(step_plugin, cancel, 32); AT(step_plugin, reply, 40); AT(step_plugin, close, 48);
        AT(step_plugin, extension, 56);
        CHECK(sizeof(step_abi_note) == 32); AT(step_abi_note, magic, 0); AT(step_abi_note, abi_major, 8);
        AT(step_abi_note, abi_minor, 10); AT(step_abi_note, flags, 12); AT(step_abi_note, sdk_version, 16);
        AT(step_abi_note, reserved, 24);
        CHECK(STEP_STATUS_OK == 0 && STEP_STATUS_FAILED == 1 && STEP_STATUS_FAILED_FINAL == 2);
        CHECK(STEP_STATUS_CANCELLED == 3 && STEP_CANCEL_REQUESTED == 1 && STEP_CANCEL_DEADLINE == 2);
        CHECK(STEP_CANCEL_SHUTDOWN == 3 && STEP_CANCEL_HEARTBEAT == 4 && STEP_LOG_ERROR == 3 && STEP_REQUEST_SECRET_GET == 1);
        CHECK(STEP_REPLY_OK == 0 && STEP_REPLY_NOT_FOUND == 1 && STEP_REPLY_REFUSED == 2 && STEP_REPLY_UNKNOWN_KIND == 3);
        CHECK(STEP_WIRE_HEADER_BYTES == 4 + STEP_WIRE_OVERHEAD_BYTES);
        STEP_ABI_NOTE();
        """

    @Test("the headers compile without a warning and keep their layout", arguments: ["c11", "c17", "c++17"])
    func compiles(standard: String) throws {
        let directory = try Tool.temporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        let isCxx = standard.hasPrefix("c++")
        let source = directory.appending(path: isCxx ? "layout.cpp" : "layout.c")
        try Data((Self.layout + "\n").utf8).write(to: source)
        try Tool.run(
            isCxx ? "c++" : "cc", "-std=\(standard)", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only",
            "-I", Tool.headers, source.path)
    }

    @Test("Swift sees the same sizes")
    func swiftLayout() {
        #expect(MemoryLayout<step_call>.size == 136)
        #expect(MemoryLayout<step_host>.size == 80)
        #expect(MemoryLayout<step_plugin>.size == 64)
        #expect(MemoryLayout<step_abi_note>.size == 32)
    }

    @Test("StepKit's note in the ELF section is the header's")
    func abiNote() throws {
        let dump = try Tool.run("readelf", "-x", "stepabi", "/proc/\(ProcessInfo.processInfo.processIdentifier)/exe")
        let words = dump.split(separator: "\n").filter { $0.contains("0x") && !$0.contains("section") }
            .flatMap { $0.split(separator: " ").dropFirst().prefix(4) }.joined()
        #expect(words.hasPrefix("53544550414249000100000000000000" + "00000000010000000000000000000000"), "\(dump)")
        #expect(STEP_ABI_MAJOR == 1 && STEP_ABI_MINOR == 0)
    }

    @Test("the step host needs nothing but the C library")
    func stepHostNeedsNoSwift() throws {
        let needed = try Tool.run("readelf", "-d", Tool.stepHost).split(separator: "\n").filter {
            $0.contains("(NEEDED)")
        }
        #expect(!needed.isEmpty)
        for line in needed {
            #expect(["libc.so", "libdl.so", "libpthread.so"].contains { line.contains("[\($0)") }, "\(line)")
        }
    }
}
