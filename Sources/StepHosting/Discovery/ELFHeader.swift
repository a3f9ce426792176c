/// The head of a plugin file, read without running anything of it.
///
/// The dynamic linker's own words mislead (another architecture reads "No such file") and a truncated file kills the
/// process that maps it, so what can be told from the header is told first and plainly.
struct ELFHeader {
    struct Fault: Error, Hashable {
        var code: String
        var message: String
    }

    static let headerBytes = 64
    #if arch(x86_64)
    private static let ownMachine = 62
    #elseif arch(arm64)
    private static let ownMachine = 183
    #endif
    private static let machineNames = [
        3: "x86 (32 bit)", 40: "ARM (32 bit)", 62: "x86-64", 183: "arm64", 243: "RISC-V", 21: "PowerPC64", 22: "s390x",
    ]

    /// Refuses a file that this machine cannot load.
    /// - Parameters:
    ///   - head: the first `headerBytes` of the file, or all of a shorter one.
    ///   - read: bytes of the file, for the table of segments; fewer than asked for at its end.
    static func check(head: [UInt8], fileBytes: Int, read: (_ offset: Int, _ count: Int) -> [UInt8]) throws(Fault) {
        if fileBytes == 0 { throw Fault(code: "empty_file", message: "the file is empty") }
        guard head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            let isText = head.allSatisfy { $0 == 9 || $0 == 10 || $0 == 13 || ($0 >= 0x20 && $0 < 0x7F) }
            throw Fault(
                code: "not_elf",
                message: isText ? "the file is text, not a shared object" : "the file is not an ELF shared object")
        }
        guard head.count >= headerBytes else { throw truncated(fileBytes) }
        guard head[4] == 2 else {
            throw Fault(code: "wrong_architecture", message: "the file is 32-bit; 64-bit is needed")
        }
        guard head[5] == 1 else {
            throw Fault(code: "wrong_architecture", message: "the file is big-endian; little-endian is needed")
        }
        let machine = head.littleEndian(at: 18, count: 2)
        guard machine == ownMachine else {
            let name = { machineNames[$0] ?? "machine \($0)" }
            throw Fault(
                code: "wrong_architecture",
                message: "the file is for \(name(machine)); this machine is \(name(ownMachine))")
        }
        guard head.littleEndian(at: 16, count: 2) == 3 else {
            throw Fault(code: "not_shared_object", message: "the file is ELF but no shared object")
        }
        // The last byte anything in the file refers to: beyond it mapped memory would fault.
        let segments = (
            offset: head.littleEndian(at: 32, count: 8), bytes: head.littleEndian(at: 54, count: 2),
            count: head.littleEndian(at: 56, count: 2)
        )
        guard segments.bytes == 56, let tableEnd = end(segments.offset, segments.bytes * segments.count),
            tableEnd <= fileBytes
        else { throw truncated(fileBytes) }
        let table = read(segments.offset, segments.bytes * segments.count)
        guard table.count == segments.bytes * segments.count else { throw truncated(fileBytes) }
        for index in 0..<segments.count {
            let at = index * segments.bytes
            let (offset, bytes) = (
                table.littleEndian(at: at + 8, count: 8), table.littleEndian(at: at + 32, count: 8)
            )
            guard let last = end(offset, bytes), last <= fileBytes else { throw truncated(fileBytes) }
        }
    }

    private static func end(_ offset: Int, _ count: Int) -> Int? {
        let (sum, overflow) = offset.addingReportingOverflow(count)
        return overflow ? nil : sum
    }

    private static func truncated(_ bytes: Int) -> Fault {
        Fault(code: "truncated", message: "the file is truncated: its segments reach beyond its \(bytes) bytes")
    }
}
