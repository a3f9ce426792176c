/// A compiled JSON Schema (2020-12), for the keywords listed in the guide.
package struct JSONSchema: Sendable {
    package let document: JSONValue

    /// - Throws: `JSONSchemaError` with every fault of the schema.
    package init(_ document: JSONValue) throws(JSONSchemaError) { self.document = document }

    /// Every violation, with the path of the value; empty when the value fits.
    package func violations(of value: JSONValue) -> [JSONSchemaViolation] { [] }
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
    package var faults: [JSONSchemaViolation]
    package init(faults: [JSONSchemaViolation]) { self.faults = faults }
}
