import Foundation

/// Programs of the toolchain that tests compile and inspect with.
enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The repository's root.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let headers = root.appending(path: "Sources/StepABI/include").path

    /// The step host that was built with these tests.
    static var stepHost: String {
        let beside = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "stepstream-step-host").path
        let built = root.appending(path: ".build/debug/stepstream-step-host").path
        return FileManager.default.fileExists(atPath: beside) ? beside : built
    }

    /// What the program wrote to stdout.
    ///
    /// - Throws: ``Failure`` with stderr when it does not exit with 0.
    @discardableResult
    static func run(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw Failure(description: "\(arguments): \(text)") }
        return text
    }

    /// A directory that any user may read, for the step host gives up root; removed by the caller.
    static func temporaryDirectory() throws -> URL {
        let directory = FileManager.default.temporaryDirectory.appending(path: "stepkit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        return directory
    }
}
