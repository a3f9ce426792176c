/// A type that states its own JSON Schema: one with a hand-written `init(from:)`, an enum with associated values, or
/// one whose values are narrower than its Swift type.
///
/// ```swift
/// extension Percentage: StepSchemaProviding {
///     static var stepSchema: StepValue { ["type": "number", "minimum": 0, "maximum": 100] }
/// }
/// ```
/// The type must decode from the least value that its schema allows (here `0`); where it does not, list one that it
/// accepts under `examples`.
public protocol StepSchemaProviding {
    static var stepSchema: StepValue { get }
}
