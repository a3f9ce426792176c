internal import StepABI

/// The C table. Its functions carry no context, so they lead to the one ``PluginRuntime`` of the process.
enum PluginTable {
    nonisolated(unsafe) static let pointer: UnsafePointer<step_plugin> = {
        // SAFETY: written once here, never changed or freed: the host may read it for the life of the process.
        let table = UnsafeMutablePointer<step_plugin>.allocate(capacity: 1)
        table.initialize(
            to: step_plugin(
                size: UInt32(MemoryLayout<step_plugin>.size),
                abi_major: UInt16(STEP_ABI_MAJOR),
                abi_minor: UInt16(STEP_ABI_MINOR),
                open: { host, _ in PluginRuntime.shared.open(HostTable(host)) },
                describe: { PluginRuntime.shared.describe() },
                invoke: { call in call.map { PluginRuntime.shared.invoke($0.pointee) } ?? InvokeRefusal.notReady },
                cancel: { call, _ in PluginRuntime.shared.cancel(call) },
                reply: { token, status, value in PluginRuntime.shared.reply(token, status: status, value: value) },
                close: {},
                extension: { _ in nil }))
        return UnsafePointer(table)
    }()
}

/// What `invoke` returns instead of 0.
enum InvokeRefusal {
    static let unknownFunction: Int32 = 1
    static let notReady: Int32 = 2
}
