import Dispatch
import Glibc
import Synchronization
import Testing

@testable import StepHosting

@Suite("the plugin store") struct PluginStoreTests {
    @Test("a stored file is never replaced, also when several installs of it come at once")
    func replacesNothing() async throws {
        let directory = try HostedPlugins.makeDirectory()
        defer { HostedPlugins.remove(directory) }
        // Large, so that each install is still under way when the others look.
        let status = await HostedPlugins.shell(
            """
            cd '\(directory)' && echo 'char big[1 << 20] = {1};' | cc -x c -shared -fPIC - -o one.so
            """)
        try #require(status == 0)
        for round in 0..<20 {
            let store = PluginStore(dataDirectory: directory + "/\(round)", pluginBytesMax: 64 << 20)
            try store.prepare()
            let inodes = Mutex<[UInt]>([])
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                guard let entry = try? store.install(directory + "/one.so") else { return }
                var status = stat()
                if stat(entry.path, &status) == 0 { inodes.withLock { $0.append(UInt(status.st_ino)) } }
            }
            let seen = inodes.withLock { $0 }
            #expect(seen.count == 4 && Set(seen).count == 1)
            #expect(OpenDescriptors.names(in: store.directory).allSatisfy { !$0.hasSuffix(".tmp") })
        }
    }
}
