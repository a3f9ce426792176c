import Glibc
import Testing

@testable import StepHosting

@Suite("crash reports") struct CrashReportTests {
    /// A shared object of two functions, one of them local to it, with and without the table of what is local.
    private static func compiled(stripped: Bool = false) async throws -> [UInt8] {
        let directory = try HostedPlugins.makeDirectory()
        defer { HostedPlugins.remove(directory) }
        let source =
            "static __attribute__((noinline)) int inner(int x) { return x * 3; } int outer(int x) { return inner(x); }"
        let status = await HostedPlugins.shell(
            "cd '\(directory)' && echo '\(source)' | cc -x c -shared -fPIC -O0 - -o a.so \(stripped ? "-s" : "")")
        try #require(status == 0)
        let file = open(directory + "/a.so", O_RDONLY)
        defer { close(file) }
        return [UInt8](unsafeUninitializedCapacity: 1 << 20) { $1 = max(0, read(file, $0.baseAddress, 1 << 20)) }
    }

    private static func names(_ file: [UInt8], of addresses: Set<Int>) -> [Int: String] {
        FunctionNames { offset, count in
            guard offset < file.count else { return [] }
            return Array(file[offset..<min(file.count, offset + min(count, file.count))])
        }.names(of: addresses)
    }

    /// Every name that any address of the file has.
    private static func all(_ file: [UInt8]) -> Set<String> { Set(names(file, of: Set(0..<file.count)).values) }

    @Test("functions are named from the whole table, or from what a stripped file exports")
    func names() async throws {
        #expect(Self.all(try await Self.compiled()).isSuperset(of: ["inner", "outer"]))
        let stripped = Self.all(try await Self.compiled(stripped: true))
        #expect(stripped.contains("outer") && !stripped.contains("inner"))
    }

    @Test("a file that is cut off or says what cannot be names nothing, or what it can")
    func damaged() async throws {
        let file = try await Self.compiled()
        for count in stride(from: 0, to: file.count, by: 7) { _ = Self.names(Array(file[..<count]), of: [0x1100]) }
        var random = SystemRandomNumberGenerator()
        let sections = file.littleEndian(at: 40, count: 8)
        for _ in 0..<2_000 {
            var file = file
            // The head, or the table of sections.
            let at = Bool.random(using: &random) ? Int.random(in: 40..<64) : Int.random(in: sections..<file.count)
            file[at] = UInt8.random(in: 0...255)
            _ = Self.names(file, of: [0x1100])
        }
        var huge = file
        // 40 is where the table of sections lies.
        for index in 40..<48 { huge[index] = 0xFF }
        #expect(Self.names(huge, of: [0x1100]).isEmpty)
    }

    @Test("only the plugin's own file is read, and shown by the plugin's name; what a line says is not translated")
    func frames() {
        let path = "/nowhere/p.so"
        let text = """
            a line of the step's
            stepstream-frame: \(path)+0x10 $s4main3fooyyF
            stepstream-frame: /etc/passwd+0x1
            stepstream-frame: nonsense
            stepstream-frame: \(path)+0xzz
            stepstream-frame: /lib/c.so+0x2a main

            """
        let report = CrashReport(text, path: path, plugin: "pricing")
        #expect(report.mangled.isEmpty)
        #expect(report.text(["$s4main3fooyyF": "main.foo() -> ()"]) == """
            a line of the step's
            stepstream-frame: pricing.so+0x10 $s4main3fooyyF
            stepstream-frame: /etc/passwd+0x1
            stepstream-frame: nonsense
            stepstream-frame: \(path)+0xzz
            stepstream-frame: /lib/c.so+0x2a main

            """)
    }
}
