/// The targets of a `Package.swift`, read from its text: asking SwiftPM would need the build's lock.
///
/// Understands what ours is written in: `.target(name: "X", dependencies: ["Y", product("Z")] + list)`, with lists
/// declared as `let list = [product("A"), …]`. What it cannot read it refuses, so that no arrow slips by.
struct Manifest: Sendable {
    struct Target: Equatable, Sendable {
        var name: String
        var isTest: Bool
        var dependencies: Set<String>
    }

    struct Unreadable: Error { var message: String }

    private(set) var targets: [Target] = []

    /// - Throws: `Unreadable` for a dependency in a form it does not know.
    init(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.firstRange(of: "//").map { line[..<$0.lowerBound].hasSuffix(":") ? line : line[..<$0.lowerBound] }
                ?? line
        }
        let text = lines.joined(separator: "\n")
        var lists: [String: Set<String>] = [:]
        for part in text.components(between: "let ", and: "]") where part.contains("= [") && part.contains("product(") {
            let name = String(part.prefix { $0.isLetter })
            lists[name] = Set(part.components(between: "product(\"", and: "\""))
        }
        for kind in [".target(", ".executableTarget(", ".testTarget(", ".systemLibrary("] {
            for call in try Self.calls(kind, in: text) {
                guard let name = call.components(between: "name: \"", and: "\"").first else {
                    throw Unreadable(message: "a target without a name: \(call)")
                }
                let path = call.components(between: "path: \"", and: "\"").first
                targets.append(
                    Target(
                        name: name, isTest: kind == ".testTarget(" || path?.hasPrefix("Tests/") == true,
                        dependencies: try Self.dependencies(of: call, lists)))
            }
        }
    }

    /// The text inside the parentheses of each call.
    private static func calls(_ opening: String, in text: String) throws -> [String] {
        var calls: [String] = []
        var rest = Substring(text)
        while let found = rest.firstRange(of: opening) {
            rest = rest[found.upperBound...]
            var depth = 1
            guard
                let end = rest.indices.first(where: {
                    if rest[$0] == "(" { depth += 1 } else if rest[$0] == ")" { depth -= 1 }
                    return depth == 0
                })
            else { throw Unreadable(message: "\(opening) without end") }
            calls.append(String(rest[..<end]))
        }
        return calls
    }

    private static func dependencies(of call: String, _ lists: [String: Set<String>]) throws -> Set<String> {
        guard let start = call.firstRange(of: "dependencies:") else { return [] }
        var names: Set<String> = []
        var rest = call[start.upperBound...]
        func skipSpace() { rest = rest.drop { $0.isWhitespace } }
        // A sum of arrays and list names, up to the next argument.
        while true {
            skipSpace()
            if rest.hasPrefix("[") {
                guard let end = rest.firstIndex(of: "]") else { throw Unreadable(message: call) }
                for item in rest[..<end].dropFirst().split(separator: ",") {
                    let item = item.drop { $0.isWhitespace }
                    let quoted = item.components(between: "\"", and: "\"")
                    guard quoted.count == 1, item.hasPrefix("\"") || item.hasPrefix("product(\"") else {
                        if item.allSatisfy(\.isWhitespace) { continue }
                        throw Unreadable(message: "dependency \(item)")
                    }
                    names.insert(quoted[0])
                }
                rest = rest[rest.index(after: end)...]
            } else {
                let name = String(rest.prefix { $0.isLetter })
                guard let list = lists[name] else { throw Unreadable(message: "dependency list \(name) in \(call)") }
                names.formUnion(list)
                rest = rest.dropFirst(name.count)
            }
            skipSpace()
            guard rest.hasPrefix("+") else { break }
            rest = rest.dropFirst()
        }
        guard rest.isEmpty || rest.hasPrefix(",") else { throw Unreadable(message: "after dependencies: \(rest)") }
        return names
    }
}

extension StringProtocol {
    /// The texts between each `opening` and the next `closing`.
    func components(between opening: String, and closing: String) -> [String] {
        var found: [String] = []
        var rest = Substring(self)
        while let start = rest.firstRange(of: opening) {
            rest = rest[start.upperBound...]
            guard let end = rest.firstRange(of: closing) else { break }
            found.append(String(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return found
    }
}
