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

    /// A file of this machine's ELF with one function of that name, from 0x10 to 0x20; nothing else is in it.
    private static func file(naming name: [UInt8]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }
        // Each section: type, offset, byte count, link.
        func section(_ type: Int, _ offset: Int, _ count: Int, _ link: Int) -> [UInt8] {
            little(0, 4) + little(type, 4) + little(0, 16) + little(offset, 8) + little(count, 8) + little(link, 4)
                + little(0, 20)
        }
        let symbol = little(0, 4) + [2, 0] + little(1, 2) + little(0x10, 8) + little(0x10, 8)
        let sections = 64
        let symbols = sections + 2 * 64
        var header = [UInt8](repeating: 0, count: 64)
        header.replaceSubrange(40..<48, with: little(sections, 8))
        header.replaceSubrange(58..<60, with: little(64, 2))
        header.replaceSubrange(60..<62, with: little(2, 2))
        return header + section(2, symbols, symbol.count, 1) + section(3, symbols + symbol.count, name.count, 0)
            + symbol + name
    }

    @Test("a name of megabytes is cut")
    func longName() {
        #expect(Self.names(Self.file(naming: Array("short\0".utf8)), of: [0x18]) == [0x18: "short"])
        let long = [UInt8](repeating: UInt8(ascii: "n"), count: 4 << 20)
        let names = Self.names(Self.file(naming: long), of: [0x18])
        #expect(names == [0x18: String(repeating: "n", count: FunctionNames.nameBytesMax)])
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
