public import FoundationEssentials

/// One function of a plugin: a name, what goes in, what comes out, and the code.
///
/// ```swift
/// Step("price") { (order: Order, context) in Receipt(total: order.items.reduce(0) { $0 + $1.quantity }) }
/// ```
public struct Step: Sendable {
    public let name: String
    /// One sentence for people who look for a function.
    public let summary: String
    /// How long an attempt may go without a heartbeat; nil: until its timeout.
    public let heartbeatTimeout: Duration?

    /// Takes and returns UTF-8 JSON.
    package let body: @Sendable (Data, StepContext) async throws -> Data
    let inputSchema: SchemaResult
    let outputSchema: SchemaResult

    /// A step on types of its own. Their JSON Schema is read off `Decodable`; see ``StepSchemaProviding`` for types
    /// that the automatic schema cannot see through. ``StepValue`` as the input or output stands for any JSON.
    ///
    /// - Parameters:
    ///   - name: unique in the plugin; workflows call the function `plugin.name`.
    ///   - input: a JSON Schema in place of the automatic one.
    ///   - output: a JSON Schema in place of the automatic one.
    ///   - heartbeatTimeout: promises a ``StepContext/heartbeat(_:)`` at least so often, 0.5 s to 24 h: an attempt that is
    ///     silent for longer ends as `heartbeat_lost` and may be repeated.
    ///   - body: cancelled by ordinary task cancellation. Throw ``StepFailure`` to choose whether the step is repeated;
    ///     any other error is repeatable.
    public init<Input: Decodable & SendableMetatype, Output: Encodable & SendableMetatype>(
        _ name: String, summary: String = "", input: StepValue? = nil, output: StepValue? = nil,
        heartbeatTimeout: Duration? = nil,
        _ body: @escaping @Sendable (Input, StepContext) async throws -> Output
    ) {
        self.name = name
        self.summary = summary
        self.heartbeatTimeout = heartbeatTimeout
        inputSchema = input.map { .schema(.raw($0)) } ?? Schema.of(Input.self)
        outputSchema =
            output.map { .schema(.raw($0)) } ?? (Output.self as? any Decodable.Type).map { Schema.of($0) }
            ?? .unsupported("\(Output.self) is not Decodable, so its schema cannot be read")
        self.body = { bytes, context in
            let input = try StepJSON.decode(Input.self, from: bytes)
            return try StepJSON.encode(try await body(input, context))
        }
    }

    /// A step on JSON bytes, for plugins that bring their own reader.
    ///
    /// - Parameters:
    ///   - input: the JSON Schema of the input; `true` accepts anything.
    ///   - output: the JSON Schema of the output.
    ///   - heartbeatTimeout: as above.
    ///   - body: takes UTF-8 JSON and returns UTF-8 JSON; the host checks that it is.
    public init(
        raw name: String, summary: String = "", input: StepValue = true, output: StepValue = true,
        heartbeatTimeout: Duration? = nil,
        _ body: @escaping @Sendable (Data, StepContext) async throws -> Data
    ) {
        self.name = name
        self.summary = summary
        self.heartbeatTimeout = heartbeatTimeout
        inputSchema = .schema(.raw(input))
        outputSchema = .schema(.raw(output))
        self.body = body
    }
}
