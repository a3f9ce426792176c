import Synchronization
import Testing
import WorkflowEngine

@testable import StepHosting

@Suite("the inventory of plugins")
struct PluginInventoryTests {
    private static func plugin(_ name: String, at path: String) -> PluginInventory.Finding {
        .plugin(PluginDescription(name: name, version: "1", sdk: "", hash: path, path: path, functions: []))
    }

    @Test("a plugin of another name than its file's is offered at the end of the first look, and stays so in the next")
    func staysOffered() {
        let told = Mutex<[[String]]>([])
        let inventory = PluginInventory(directories: []) { plugins in told.withLock { $0.append(plugins.map(\.name)) } }
        inventory.begin(["/p/file.so", "/p/slow.so"], failures: [])
        inventory.record("/p/file.so", Self.plugin("other", at: "/p/file.so"))
        #expect(inventory.plugins.isEmpty)
        inventory.record("/p/slow.so", Self.plugin("slow", at: "/p/slow.so"))
        inventory.end()
        #expect(inventory.plugins.map(\.name) == ["other", "slow"])
        inventory.begin(["/p/file.so", "/p/new.so", "/p/slow.so"], failures: [])
        #expect(inventory.plugins.map(\.name) == ["other", "slow"])
        inventory.record("/p/new.so", Self.plugin("later", at: "/p/new.so"))
        #expect(inventory.plugins.map(\.name) == ["other", "slow"])
        inventory.end()
        #expect(told.withLock { $0.last } == ["other", "later", "slow"])
    }

    @Test("who waits for the end of the look is told at its end, and not before")
    func waits() async {
        let inventory = PluginInventory(directories: ["/p"]) { _ in }
        // Whoever asks before the directories are listed has to wait as well.
        #expect(inventory.loading == ["/p"])
        inventory.begin(["/p/a.so"], failures: [])
        #expect(inventory.loading == ["/p/a.so"])
        let waiting = Task {
            await inventory.loaded(nil)
            return inventory.loading
        }
        inventory.record("/p/a.so", Self.plugin("a", at: "/p/a.so"))
        await inventory.loaded(["a"])
        inventory.end()
        #expect(await waiting.value.isEmpty)
    }
}
