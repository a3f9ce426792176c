package import WorkflowModel

/// An error answer by RFC 9457 (`application/problem+json`), thrown by a handler or given back as a response.
///
/// Rendered as `{"type":"about:blank","title":…,"status":…,"code":…,"detail":…,"faults":[…], members…}`: `code` is
/// the stable name a client switches on, `faults` lists everything wrong with an input at once.
package struct Problem: Error, Hashable, Sendable {
    /// One thing wrong with an input.
    package struct Fault: Hashable, Sendable {
        /// Where in the input: a JSON pointer or the path of a definition (`steps[2].with`).
        package var path: String?
        /// From 1.
        package var line: Int?
        /// From 1.
        package var column: Int?
        package var code: String?
        package var message: String

        package init(
            path: String? = nil, line: Int? = nil, column: Int? = nil, code: String? = nil, message: String
        ) {
            self.path = path
            self.line = line
            self.column = column
            self.code = code
            self.message = message
        }
    }

    private static let ownMembers: Set = ["type", "title", "status", "code", "detail", "faults", "faults_omitted"]
    /// Faults beyond this many are counted in `faults_omitted`, not listed.
    package static let faultsMax = 1000

    /// The HTTP status, 400…599.
    package var status: Int
    /// Stable, in snake case.
    package var code: String
    /// What kind of problem, the same for every occurrence; nil takes the status's reason phrase.
    package var title: String?
    /// What happened this time, for a person.
    package var detail: String
    package var faults: [Fault]
    /// Further members, written after `faults`.
    package var members: JSONObject
    /// Further response headers, such as `Retry-After`.
    package var headers: [WebHeader]

    package init(
        _ status: Int, _ code: String, _ detail: String, title: String? = nil, faults: [Fault] = [],
        members: KeyValuePairs<String, JSONValue> = [:], headers: [WebHeader] = []
    ) {
        precondition((400...599).contains(status), "a problem has a 4xx or 5xx status")
        precondition(
            !members.contains { Self.ownMembers.contains($0.key) }, "a further member has a name of its own")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.faults = faults
        self.members = JSONObject(members.map { ($0.key, $0.value) })
        self.headers = headers
    }

    /// The problem as JSON.
    package var encoded: [UInt8] {
        var writer = JSONWriter()
        writer.raw("{\"type\":\"about:blank\",\"title\":")
        writer.string(title ?? ReasonPhrase.of(status))
        writer.raw(",\"status\":")
        writer.int(status)
        writer.raw(",\"code\":")
        writer.string(code)
        writer.raw(",\"detail\":")
        writer.string(detail)
        if !faults.isEmpty { encodeFaults(to: &writer) }
        for member in members {
            writer.raw(",")
            writer.string(member.key)
            writer.raw(":")
            writer.value(member.value)
        }
        writer.raw("}")
        return writer.bytes
    }

    private func encodeFaults(to writer: inout JSONWriter) {
        writer.raw(",\"faults\":[")
        for (index, fault) in faults.prefix(Self.faultsMax).enumerated() {
            writer.raw(index == 0 ? "{" : ",{")
            if let path = fault.path {
                writer.raw("\"path\":")
                writer.string(path)
                writer.raw(",")
            }
            if let line = fault.line {
                writer.raw("\"line\":")
                writer.int(line)
                writer.raw(",")
            }
            if let column = fault.column {
                writer.raw("\"column\":")
                writer.int(column)
                writer.raw(",")
            }
            if let code = fault.code {
                writer.raw("\"code\":")
                writer.string(code)
                writer.raw(",")
            }
            writer.raw("\"message\":")
            writer.string(fault.message)
            writer.raw("}")
        }
        writer.raw("]")
        if faults.count > Self.faultsMax {
            writer.raw(",\"faults_omitted\":")
            writer.int(faults.count - Self.faultsMax)
        }
    }
}

extension Problem {
    /// 400 `invalid_json`, with the reader's position.
    package init(_ error: JSONError) {
        self.init(
            400, "invalid_json", "the body is not usable JSON: \(error)",
            faults: [
                Fault(
                    path: error.path.isEmpty ? nil : error.path, line: error.line, column: error.column,
                    message: error.message)
            ])
    }

    /// 400 `invalid_parameter`: a path or query parameter cannot be read.
    package static func invalidParameter(_ name: String, _ message: String) -> Problem {
        Problem(400, "invalid_parameter", "\(name): \(message)", faults: [Fault(path: name, message: message)])
    }

    /// 400 `invalid_parameter`: a list has no such position.
    package static let invalidCursor = invalidParameter("cursor", "expected the `next` of an earlier answer")

    package static func notFound(_ detail: String) -> Problem { Problem(404, "not_found", detail) }
}
