/// What a request demands of the resource as it stands (RFC 9110 §13): `If-Match` and `If-None-Match`.
///
/// Nothing is ever demanded of a client: without these headers a change is made whatever is there.
package struct Preconditions: Sendable {
    private enum Tags: Equatable {
        /// `*`: whatever there is.
        case any
        case some([Tag])
    }

    private struct Tag: Equatable {
        var isWeak: Bool
        var text: Substring
    }

    private let match: Tags?
    private let noneMatch: Tags?

    /// - Throws: 400 `invalid_condition` for a header that is no list of entity tags: a condition that cannot be read
    ///   cannot be met.
    init(match: String?, noneMatch: String?) throws(Problem) {
        self.match = try Self.tags(match, "If-Match")
        self.noneMatch = try Self.tags(noneMatch, "If-None-Match")
    }

    /// The strong entity tag of a revision, as a header has it.
    package static func tag(revision: Int) -> String { "\"\(revision)\"" }

    /// For a change, before it is made.
    /// - Parameter revision: the current one; nil when there is none.
    /// - Throws: 412 `precondition_failed`.
    package func check(revision: Int?) throws(Problem) {
        let tag = revision.map(Self.tag)
        if let match, !Self.contains(match, tag, isStrong: true) { throw Self.failed(tag) }
        if let noneMatch, Self.contains(noneMatch, tag, isStrong: false) { throw Self.failed(tag) }
    }

    /// For a reading: whether the client has this revision already.
    /// - Throws: 412 `precondition_failed`.
    package func isKnown(revision: Int) throws(Problem) -> Bool { try isKnown(tag: Self.tag(revision: revision)) }

    /// - Parameter tag: the strong entity tag of what there is, as a header has it.
    /// - Throws: 412 `precondition_failed`.
    package func isKnown(tag: String) throws(Problem) -> Bool {
        if let match, !Self.contains(match, tag, isStrong: true) { throw Self.failed(tag) }
        return noneMatch.map { Self.contains($0, tag, isStrong: false) } ?? false
    }

    private static func failed(_ tag: String?) -> Problem {
        Problem(
            412, "precondition_failed", tag.map { "the current revision is \($0)" } ?? "there is no such resource",
            headers: tag.map { [WebHeader("etag", $0)] } ?? [])
    }

    private static func contains(_ tags: Tags, _ tag: String?, isStrong: Bool) -> Bool {
        guard let tag else { return false }
        switch tags {
        case .any: return true
        case .some(let tags): return tags.contains { "\"\($0.text)\"" == tag && !(isStrong && $0.isWeak) }
        }
    }

    private static func tags(_ header: String?, _ name: String) throws(Problem) -> Tags? {
        guard let header else { return nil }
        let text = header.drop { $0 == " " }
        if text == "*" { return .any }
        var tags: [Tag] = []
        var rest = text[...]
        while true {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
            if rest.isEmpty { break }
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { break }
            tags.append(Tag(isWeak: isWeak, text: rest[rest.index(after: rest.startIndex)..<end]))
            rest = rest[rest.index(after: end)...]
            guard rest.isEmpty || rest.first == " " || rest.first == "," || rest.first == "\t" else { break }
        }
        guard rest.isEmpty, !tags.isEmpty else {
            throw Problem(
                400, "invalid_condition", "\(name) is * or a list of entity tags such as \"3\", with its quotes")
        }
        return .some(tags)
    }
}
