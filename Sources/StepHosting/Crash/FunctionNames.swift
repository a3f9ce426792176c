import Glibc

/// The names of functions by their addresses, from the symbol table of a shared object.
///
/// The file is a plugin's and may say anything: what does not hold together names nothing.
struct FunctionNames {
    /// Of a symbol table, and of its names: some 700,000 functions.
    static let tableBytesMax = 16 << 20
    /// Longer names are cut: a symbol table can hold one of megabytes, and many functions can have it.
    static let nameBytesMax = 1024

    private static let sectionBytes = 64
    private static let symbolBytes = 24

    private struct Section {
        var type: Int
        var offset: Int
        var byteCount: Int
        var link: Int

        init(_ table: [UInt8], at index: Int) {
            let start = index * sectionBytes
            type = table.littleEndian(at: start + 4, count: 4)
            offset = table.littleEndian(at: start + 24, count: 8)
            byteCount = table.littleEndian(at: start + 32, count: 8)
            link = table.littleEndian(at: start + 40, count: 4)
        }
    }

    /// - Parameter read: bytes of the file; fewer than asked for at its end.
    private let read: (_ offset: Int, _ count: Int) -> [UInt8]

    init(read: @escaping (_ offset: Int, _ count: Int) -> [UInt8]) { self.read = read }

    /// Opens the file for the length of `body`; nil when it cannot be opened.
    static func ofFile<Value>(_ path: String, _ body: (FunctionNames) -> Value) -> Value? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return body(
            FunctionNames { offset, count in
                [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                    initialized = max(0, retrying { pread(file, buffer.baseAddress, count, offset) })
                }
            })
    }

    /// - Parameter addresses: relative to where the file is loaded.
    func names(of addresses: Set<Int>) -> [Int: String] {
        guard let (symbols, names) = tables() else { return [:] }
        var found: [Int: String] = [:]
        for start in stride(from: 0, through: symbols.count - Self.symbolBytes, by: Self.symbolBytes) {
            // A function that the file defines.
            guard symbols[start + 4] & 0xF == 2, symbols.littleEndian(at: start + 6, count: 2) != 0 else { continue }
            let value = symbols.littleEndian(at: start + 8, count: 8)
            let (end, isTooMuch) = value.addingReportingOverflow(symbols.littleEndian(at: start + 16, count: 8))
            guard !isTooMuch else { continue }
            for address in addresses where value <= address && address < end && found[address] == nil {
                let name = names.dropFirst(symbols.littleEndian(at: start, count: 4)).prefix(Self.nameBytesMax)
                    .prefix { $0 != 0 }
                if !name.isEmpty { found[address] = String(decoding: name, as: UTF8.self) }
            }
        }
        return found
    }

    /// The symbols and their names: of the whole file, or, where that is stripped, of what it exports.
    private func tables() -> (symbols: [UInt8], names: [UInt8])? {
        let head = read(0, ELFHeader.headerBytes)
        guard head.count == ELFHeader.headerBytes, head.littleEndian(at: 58, count: 2) == Self.sectionBytes else {
            return nil
        }
        let bytes = head.littleEndian(at: 60, count: 2) * Self.sectionBytes
        let table = read(head.littleEndian(at: 40, count: 8), bytes)
        guard table.count == bytes else { return nil }
        let sections = (0..<bytes / Self.sectionBytes).map { Section(table, at: $0) }
        for type in [2, 11] {  // SHT_SYMTAB, SHT_DYNSYM
            guard let section = sections.first(where: { $0.type == type }), section.link < sections.count,
                let symbols = contents(of: section), let names = contents(of: sections[section.link])
            else { continue }
            return (symbols, names)
        }
        return nil
    }

    private func contents(of section: Section) -> [UInt8]? {
        guard section.byteCount <= Self.tableBytesMax else { return nil }
        let bytes = read(section.offset, section.byteCount)
        return bytes.count == section.byteCount ? bytes : nil
    }
}

extension [UInt8] {
    /// The unsigned number there, as ELF for this machine has it; `Int.max` for what does not fit.
    func littleEndian(at offset: Int, count: Int) -> Int {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(self[offset + index]) << (8 * UInt64(index)) }
        return Int(clamping: value)
    }
}
