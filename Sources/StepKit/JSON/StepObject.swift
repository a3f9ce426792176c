/// The members of a JSON object, each name once.
///
/// Names are compared by their code points, as JSON has them (RFC 8259 §8.3). A dictionary of strings would take `é`
/// and `e` with an accent for one name and lose a member. Members come in ascending order of their names' UTF-8.
public struct StepObject: Sendable, Hashable {
    private var members: [ExactText: StepValue] = [:]

    public init() {}

    /// Of a repeated name the last value stays.
    public init(_ members: some Sequence<(key: String, value: StepValue)>) {
        for (key, value) in members { self[key] = value }
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }
    /// In ascending order.
    public var keys: [String] { map(\.key) }

    public subscript(key: String) -> StepValue? {
        get { members[ExactText(key)] }
        set { members[ExactText(key)] = newValue }
    }
}

extension StepObject: Sequence {
    public func makeIterator() -> some IteratorProtocol<(key: String, value: StepValue)> {
        members.sorted { $0.key < $1.key }.lazy.map { (key: $0.key.text, value: $0.value) }.makeIterator()
    }
}

extension StepObject: ExpressibleByDictionaryLiteral {
    /// Of a repeated name the last value stays.
    public init(dictionaryLiteral elements: (String, StepValue)...) {
        self.init(elements.lazy.map { (key: $0.0, value: $0.1) })
    }
}

/// A text that equals another only if it has the same code points, unlike `String`, which equates canonically
/// equivalent ones.
struct ExactText: Hashable, Comparable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.count == right.text.utf8.count && left.text.utf8.elementsEqual(right.text.utf8)
    }

    static func < (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var copy = text
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xFF))
    }
}
