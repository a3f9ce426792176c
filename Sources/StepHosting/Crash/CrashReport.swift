import Glibc
import StepABI

/// A step host's own report of a crash, with the plugin's functions named as their source has them.
///
/// The step host writes a line for each frame, innermost first: `stepstream-frame: IMAGE+0xOFFSET`, and the name where the
/// dynamic linker knows one, which it does for what an image exports only.
enum CrashReport {
    private static let prefix = "stepstream-frame: "
    /// As many as a step host writes. What a plugin prints may look like more.
    private static let framesMax = 64
    /// The demangler works by recursion; a longer name stays as it is.
    private static let mangledBytesMax = 1024

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

    static func isIn(_ text: String) -> Bool { text.contains(prefix) }

    /// - Parameters:
    ///   - path: the plugin's stored file; no other is read.
    ///   - plugin: its name, shown in place of that path.
    static func named(_ text: String, path: String, plugin: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var frames: [(line: Int, frame: Frame, address: Int)] = []
        for (number, line) in lines.enumerated() where frames.count < framesMax {
            guard let frame = Frame(line) else { continue }
            // Below the signal's own frame comes the faulting instruction; the others are where calls return to, which
            // may be the first of the next function.
            frames.append((number, frame, frames.count == 1 ? frame.offset : max(0, frame.offset - 1)))
        }
        let addresses = Set(frames.filter { $0.frame.image == path }.map(\.address))
        let names = addresses.isEmpty ? [:] : FunctionNames.ofFile(path) { $0.names(of: addresses) } ?? [:]
        for (number, frame, address) in frames {
            let isOwn = frame.image == path
            let name = (isOwn ? names[address] : nil) ?? frame.name
            lines[number] = "\(prefix)\(isOwn ? plugin + ".so" : frame.image)+0x\(String(frame.offset, radix: 16))"
                + (name.map { " " + demangled($0) } ?? "")
        }
        return lines.joined(separator: "\n")
    }

    /// The name as its Swift source has it; what is no mangled name stays.
    static func demangled(_ name: String) -> String {
        guard name.utf8.count <= mangledBytesMax,
            let text = swift_demangle(name, name.utf8.count, nil, nil, 0)
        else { return name }
        defer { free(text) }
        return String(cString: text)
    }
}
