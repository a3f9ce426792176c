/// A step host's own report of a crash, with the plugin's functions named.
///
/// The step host writes a line for each frame, innermost first: `stepstream-frame: IMAGE+0xOFFSET`, and the name where
/// the dynamic linker knows one, which it does for what an image exports only. The plugin can write such lines, too: so
/// only names read from the plugin's own symbol table are looked at further, and what the lines say is shown as it
/// stands.
struct CrashReport {
    private static let prefix = "stepstream-frame: "
    /// As many as a step host writes. What a plugin prints may look like more.
    private static let framesMax = 64

    private struct Frame {
        var image: String
        var offset: Int
        var name: String?

        init?(_ line: Substring) {
            guard line.hasPrefix(prefix) else { return nil }
            let rest = line.dropFirst(prefix.count)
            guard let plus = rest.firstRange(of: "+0x") else { return nil }
            let words = rest[plus.upperBound...].split(separator: " ", maxSplits: 1)
            guard let digits = words.first, let offset = Int(digits, radix: 16), offset >= 0 else { return nil }
            image = String(rest[..<plus.lowerBound])
            self.offset = offset
            name = words.count > 1 ? String(words[1]) : nil
        }
    }

    /// A line of the report.
    private struct Place {
        var line: Int
        var frame: Frame
        var address: Int
    }

    private var lines: [Substring]
    private var places: [Place] = []
    private let path: String
    private let plugin: String
    /// The plugin's own functions by address, as the symbol table has them.
    private let symbols: [Int: String]

    static func isIn(_ text: String) -> Bool { text.contains(prefix) }

    /// - Parameters:
    ///   - path: the plugin's stored file; no other is read.
    ///   - plugin: its name, shown in place of that path.
    init(_ text: String, path: String, plugin: String) {
        (self.path, self.plugin) = (path, plugin)
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where places.count < Self.framesMax {
            guard let frame = Frame(line) else { continue }
            // Below the signal's own frame comes the faulting instruction; the others are where calls return to, which
            // may be the first of the next function.
            places.append(
                Place(line: number, frame: frame, address: places.count == 1 ? frame.offset : max(0, frame.offset - 1)))
        }
        let addresses = Set(places.filter { $0.frame.image == path }.map(\.address))
        symbols = addresses.isEmpty ? [:] : FunctionNames.ofFile(path) { $0.names(of: addresses) } ?? [:]
    }

    /// Names of the plugin's own functions that a Swift compiler has mangled.
    var mangled: [String] {
        Set(symbols.values).filter { $0.hasPrefix("$s") || $0.hasPrefix("$S") || $0.hasPrefix("_T") }
            .filter { !$0.contains("\n") }.sorted()
    }

    /// The text with the functions named.
    ///
    /// - Parameter translations: of `mangled`; a name without one stays as the symbol table has it.
    func text(_ translations: [String: String]) -> String {
        var lines = lines
        for place in places {
            let frame = place.frame
            let isOwn = frame.image == path
            let symbol = isOwn ? symbols[place.address] : nil
            let name = symbol.map { translations[$0] ?? $0 } ?? frame.name
            lines[place.line] =
                "\(Self.prefix)\(isOwn ? plugin + ".so" : frame.image)+0x\(String(frame.offset, radix: 16))"
                + (name.map { " " + $0 } ?? "")
        }
        return lines.joined(separator: "\n")
    }
}
