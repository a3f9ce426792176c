import Glibc

/// Where the Swift runtime of this program lies.
enum RuntimeDirectory {
    private static let fileName = "/libswiftCore.so"

    /// The directory of libswiftCore.so; nil in a program that has the runtime in itself.
    ///
    /// Plugins built on this machine name it in their RUNPATH, so they may read it unless the settings say otherwise.
    static let own: String? = {
        guard let file = fopen("/proc/self/maps", "re") else { return nil }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, file) > 0, let line {
            // ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH
            let text = String(cString: line).dropLast()
            guard text.hasSuffix(fileName), let start = text.firstIndex(of: "/") else { continue }
            return String(text[start...].dropLast(fileName.count))
        }
        return nil
    }()
}
