import Crypto
import Glibc
import Synchronization

/// The content-addressed copies of plugins: `DATA/plugins/<sha256>.so`, and what each said of itself beside it.
///
/// A file there is written once, under another name, and renamed; it never changes while a process maps it. Everything
/// here blocks and is called on a thread of discovery's own.
struct PluginStore: Sendable {
    struct Fault: Error, Hashable {
        /// The store cannot be written.
        static let storeFailed = "store_failed"

        var code: String
        var message: String
    }

    /// A stored plugin.
    struct Entry: Hashable, Sendable {
        /// SHA-256, lower-case hex.
        var hash: String
        var path: String
    }

    private static let chunkBytes = 1 << 20
    private static let temporaryNumber = Atomic<Int>(0)

    private let dataDirectory: String
    let directory: String
    let pluginBytesMax: Int

    /// - Parameter dataDirectory: the copies are in `plugins` below it.
    init(dataDirectory: String, pluginBytesMax: Int) {
        self.dataDirectory = dataDirectory
        directory = dataDirectory + "/plugins"
        self.pluginBytesMax = pluginBytesMax
    }

    /// - Throws: `HostingError` when the directories cannot be made.
    func prepare() throws(HostingError) {
        close(try DataDirectory.open(directory, below: dataDirectory, mode: 0o755))
    }

    func path(of hash: String) -> String { "\(directory)/\(hash).so" }

    /// Whether the text can be the name of a stored plugin; anything else never becomes part of a path.
    static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    func contains(_ hash: String) -> Bool { Self.isHash(hash) && access(path(of: hash), R_OK) == 0 }

    /// Checks the file, hashes it and keeps a copy; all of it from one open descriptor.
    func install(_ path: String) throws(Fault) -> Entry {
        // Opening a FIFO waits for a writer otherwise, for ever.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Self.unreadable() }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Self.unreadable() }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(code: "not_a_file", message: "it is not a regular file")
        }
        guard status.st_size <= pluginBytesMax else {
            throw Fault(
                code: "file_too_large", message: "it has \(status.st_size) bytes; the limit is \(pluginBytesMax)")
        }
        do throws(ELFHeader.Fault) {
            try ELFHeader.check(
                head: Self.bytes(of: file, at: 0, count: ELFHeader.headerBytes), fileBytes: Int(status.st_size)
            ) { Self.bytes(of: file, at: $0, count: $1) }
        } catch { throw Fault(code: error.code, message: error.message) }
        let hash = hash(of: file)
        let entry = Entry(hash: hash, path: self.path(of: hash))
        if !contains(hash) { try copy(file, to: entry, from: path) }
        try noteFileName(of: path, for: hash)
        return entry
    }

    // MARK: What the files were called

    private static let fileNamesBytesMax = 64 << 10

    /// The names, without `.so`, of the files that the build was installed from: `DATA/plugins/<sha256>.names`, a line
    /// each. Secrets belong to the file that the operator put there and not to whoever claims its name.
    func fileNames(of hash: String) -> Set<String> {
        guard Self.isHash(hash) else { return [] }
        let file = open("\(directory)/\(hash).names", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return [] }
        defer { close(file) }
        let text = String(decoding: Self.bytes(of: file, at: 0, count: Self.fileNamesBytesMax), as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init))
    }

    /// `pricing` of `/plugins/pricing.so`
    static func fileName(of path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.hasSuffix(".so") ? String(name.dropLast(3)) : name
    }

    private func noteFileName(of path: String, for hash: String) throws(Fault) {
        let name = Self.fileName(of: path)
        var names = fileNames(of: hash)
        guard !name.contains("\n"), names.insert(name).inserted else { return }
        let text = names.sorted().map { $0 + "\n" }.joined()
        guard text.utf8.count <= Self.fileNamesBytesMax else { return }
        try write("\(directory)/\(hash).names") { file throws(Fault) in
            try Self.write(Array(text.utf8)[...], to: file)
        }
    }

    // MARK: What plugins said of themselves

    /// The description of a stored plugin from an earlier run; nil when there is none.
    func cachedDescription(of hash: String, bytesMax: Int) -> [UInt8]? {
        guard Self.isHash(hash) else { return nil }
        let file = open("\(directory)/\(hash).json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let bytes = Self.bytes(of: file, at: 0, count: bytesMax + 1)
        return bytes.isEmpty || bytes.count > bytesMax ? nil : bytes
    }

    /// Keeps the description; without it the next start asks the plugin again, so a failure is no harm.
    func cache(_ description: [UInt8], of hash: String) {
        _ = try? write("\(directory)/\(hash).json") { file throws(Fault) in
            try Self.write(description[...], to: file)
        }
    }

    // MARK: Parts

    private static func hex(_ digest: SHA256.Digest) -> String {
        digest.reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
    }

    private func hash(of file: Int32) -> String {
        var hasher = SHA256()
        var offset = 0
        while true {
            let chunk = Self.bytes(of: file, at: offset, count: Self.chunkBytes)
            if chunk.isEmpty { break }
            chunk.withUnsafeBytes { hasher.update(bufferPointer: $0) }
            offset += chunk.count
        }
        return Self.hex(hasher.finalize())
    }

    private func copy(_ file: Int32, to entry: Entry, from path: String) throws(Fault) {
        try write(entry.path, replaces: false) { target throws(Fault) in
            // Hashed again on the way: the source may be written to while it is read.
            var hasher = SHA256()
            var offset = 0
            while true {
                let chunk = Self.bytes(of: file, at: offset, count: Self.chunkBytes)
                if chunk.isEmpty { break }
                chunk.withUnsafeBytes { hasher.update(bufferPointer: $0) }
                try Self.write(chunk[...], to: target)
                offset += chunk.count
            }
            guard Self.hex(hasher.finalize()) == entry.hash else {
                throw Fault(code: "file_changing", message: "it was written to while it was read; install by renaming")
            }
        }
    }

    /// Writes a file of its own name and renames it, so that nobody ever sees half of it.
    ///
    /// - Parameter replaces: false keeps a file that came to be there meanwhile. A plugin's content is the same, and a step
    ///   host that is about to load it may read that one file and no other.
    private func write(
        _ path: String, replaces: Bool = true, _ body: (Int32) throws(Fault) -> Void
    ) throws(Fault) {
        let number = Self.temporaryNumber.add(1, ordering: .relaxed).newValue
        let temporary = "\(path).\(getpid()).\(number).tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
        guard file >= 0 else { throw Self.failed("write", temporary) }
        defer { close(file) }
        do throws(Fault) {
            try body(file)
            guard fsync(file) == 0 else { throw Self.failed("write", temporary) }
            if !replaces, link(temporary, path) == 0 || errno == EEXIST {
                unlink(temporary)
                return
            }
            // Also where the file system has no links.
            guard rename(temporary, path) == 0 else { throw Self.failed("rename", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to file: Int32) throws(Fault) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                retrying { Glibc.write(file, buffer.baseAddress, buffer.count) }
            }
            guard count > 0 else { throw failed("write", "the plugin store") }
            rest = rest.dropFirst(count)
        }
    }

    /// At most `count` bytes from `offset`; fewer at the end of the file.
    private static func bytes(of file: Int32, at offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let part = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let read = retrying { pread(file, part.baseAddress, part.count, offset + filled) }
                if read <= 0 { return }
                filled += read
            }
        }
    }

    private static func unreadable() -> Fault {
        Fault(code: "file_unreadable", message: "it cannot be read: \(String(cString: strerror(errno)))")
    }

    private static func failed(_ what: String, _ path: String) -> Fault {
        Fault(code: Fault.storeFailed, message: "cannot \(what) \(path): \(String(cString: strerror(errno)))")
    }
}
