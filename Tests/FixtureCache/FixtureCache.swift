import Crypto
import FoundationEssentials
import Glibc
import Synchronization

/// What tests compile for themselves, compiled once: results stay in a directory under a hash of all that goes in.
///
/// The suites load the same few plugins in hundreds of tests. A result is named by its script, the version of its
/// compiler and the contents of its sources, so nothing ever has to be declared stale; what the system's own headers
/// and libraries bring is taken for the compiler's. Test processes share the directory: each builds apart from the
/// others and moves its result into place in one step, so nobody sees half of one.
package struct FixtureCache: Sendable {
    /// A shell script that leaves its files in its working directory, and what they depend on.
    package struct Recipe: Sendable {
        package var script: String
        /// The program whose version counts.
        package var compiler: String
        /// Files, and directories with everything below them.
        package var sources: [String]

        package init(_ script: String, compiler: String, sources: [String]) {
            self.script = script
            self.compiler = compiler
            self.sources = sources
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let directory: String

    package init(directory: String) { self.directory = directory }

    /// Beside the test binary, so that it goes with the build.
    package static let shared: FixtureCache = {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return FixtureCache(directory: program.deletingLastPathComponent().appending(path: "fixtures").path)
    }()

    /// The directory with the recipe's result. Callers copy from it and change nothing in it.
    ///
    /// - Throws: ``Failure`` when the script ends with another status than 0; what it said is on stderr.
    package func directory(of recipe: Recipe) throws -> String {
        let result = "\(directory)/\(try Self.key(of: recipe))"
        if access(result, F_OK) == 0 { return result }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var template = Array("\(directory)/.building-XXXXXX".utf8CString)
        guard let building = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw Failure(description: "\(directory): errno \(errno)")
        }
        defer { try? FileManager.default.removeItem(atPath: building) }
        let status = system("cd '\(building)' && { \(recipe.script)\n}")
        guard status == 0 else { throw Failure(description: "\(recipe.script)\nended with status \(status)") }
        // Fails when another process was faster. Its result is as good.
        guard rename(building, result) == 0 || access(result, F_OK) == 0 else {
            throw Failure(description: "\(result): errno \(errno)")
        }
        return result
    }

    static func key(of recipe: Recipe) throws -> String {
        var hash = SHA256()
        func add(_ bytes: some Sequence<UInt8>) {
            let bytes = Array(bytes)
            withUnsafeBytes(of: bytes.count) { hash.update(bufferPointer: $0) }
            hash.update(data: bytes)
        }
        add(recipe.script.utf8)
        add(try version(of: recipe.compiler).utf8)
        for file in try recipe.sources.flatMap(files) {
            add(file.utf8)
            add(try Data(contentsOf: URL(filePath: file)))
        }
        return hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }

    private static func files(_ path: String) throws -> [String] {
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw Failure(description: "\(path) is not there")
        }
        guard isDirectory else { return [path] }
        return try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }.filter {
            FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory
        }
    }

    private static let versions = Mutex<[String: String]>([:])

    private static func version(of compiler: String) throws -> String {
        try versions.withLock { versions in
            if let known = versions[compiler] { return known }
            guard let output = popen("\(compiler) --version 2>&1", "re") else {
                throw Failure(description: "\(compiler): errno \(errno)")
            }
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while case let count = fread(&chunk, 1, chunk.count, output), count > 0 { text += chunk[..<count] }
            guard pclose(output) == 0 else { throw Failure(description: "\(compiler) does not tell its version") }
            versions[compiler] = String(decoding: text, as: UTF8.self)
            return String(decoding: text, as: UTF8.self)
        }
    }
}
