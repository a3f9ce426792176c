/// A compiled JSON Schema (2020-12), for the keywords listed in the guide.
///
/// The document is read once into a flat list of nodes that name each other by index, so `$ref` may recurse freely.
/// Checking is bounded: `stepsMax` of work, `depthMax` of nesting, `violationsCountMax` of answers.
package struct JSONSchema: Sendable {
    /// What `$schema` may say; an empty fragment is the whole document.
    static let dialects = ["", "#"].map { "https://json-schema.org/draft/2020-12/schema\($0)" }

    /// Work of one check: about one step for each schema × value met and each pattern instruction, and more for what
    /// takes longer (`SchemaEvaluator.Cost`). A step takes 20 to 60 ns of a release build, so a check takes at most
    /// 0.2 s, and twice that when its violations are gathered.
    package static let stepsMax = 3_000_000
    /// Nested applications of a schema to a value.
    static let depthMax = 256
    static let violationsCountMax = 1000

    package let document: JSONValue
    private let nodes: [SchemaNode]

    /// - Throws: `JSONSchemaError` with every fault of the schema.
    package init(_ document: JSONValue) throws(JSONSchemaError) {
        var compiler = SchemaCompiler(document)
        nodes = try compiler.compile()
        self.document = document
    }

    /// Every violation, with the path of the value; empty when the value fits.
    ///
    /// A check that its bounds cut short ends with a violation of the keyword `$limit`: such a value does not fit.
    package func violations(of value: JSONValue, stepsMax: Int = Self.stepsMax) -> [JSONSchemaViolation] {
        // Most values fit: ask that first, without building paths and messages.
        var quick = SchemaEvaluator(nodes: nodes, isCollecting: false, stepsMax: stepsMax)
        if quick.check(0, value, by: "") && quick.limit == nil { return [] }
        if let limit = quick.limit { return [limit] }
        var evaluator = SchemaEvaluator(nodes: nodes, isCollecting: true, stepsMax: stepsMax)
        _ = evaluator.check(0, value, by: "")
        return evaluator.violations + (evaluator.limit.map { [$0] } ?? [])
    }
}

/// One place where a value does not fit.
package struct JSONSchemaViolation: Hashable, Sendable {
    /// JSON Pointer (RFC 6901) of the value; empty for the root.
    package var path: String
    /// The keyword that failed.
    package var keyword: String
    package var message: String

    package init(path: String, keyword: String, message: String) {
        self.path = path
        self.keyword = keyword
        self.message = message
    }
}

/// Why a schema cannot be compiled.
package struct JSONSchemaError: Error, Hashable, Sendable {
    /// Paths are those of the schema's own parts.
    package var faults: [JSONSchemaViolation]
    package init(faults: [JSONSchemaViolation]) { self.faults = faults }
}
