/// The members of a JSON object, in the order they were written, each name once.
///
/// Names are compared by their code points, never by canonical equivalence. Equality ignores the order. Look-ups in small objects scan; from `indexedCountMin` members on an index is kept.
package struct JSONObject: Sendable {
    package typealias Member = (key: String, value: JSONValue)

    static let indexedCountMin = 17

    package private(set) var keys: [String] = []
    private var values: [JSONValue] = []
    private var index: [ExactText: Int]?

    package init() {}

    /// The members in order; of equal names the last value wins, at the first one's place.
    package init(_ members: some Sequence<(String, JSONValue)>) {
        for (key, value) in members { self[key] = value }
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }
    package func contains(_ key: String) -> Bool { position(of: key) != nil }

    package subscript(key: String) -> JSONValue? {
        get { position(of: key).map { values[$0] } }
        set {
            switch (position(of: key), newValue) {
            case (let position?, let value?): values[position] = value
            case (nil, let value?): append(key, value)
            case (let position?, nil): remove(at: position)
            case (nil, nil): break
            }
        }
    }

    /// Adds a member whose name is known to be new.
    mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
        if index != nil {
            index?[ExactText(key)] = keys.count - 1
        } else if keys.count >= Self.indexedCountMin {
            rebuildIndex()
        }
    }

    private mutating func remove(at position: Int) {
        keys.remove(at: position)
        values.remove(at: position)
        if keys.count >= Self.indexedCountMin { rebuildIndex() } else { index = nil }
    }

    private mutating func rebuildIndex() {
        index = Dictionary(uniqueKeysWithValues: zip(keys.lazy.map(ExactText.init), keys.indices))
    }

    private func position(of key: String) -> Int? {
        if let index { return index[ExactText(key)] }
        return keys.firstIndex { ExactText.equal($0, key) }
    }
}

extension JSONObject: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { keys.count }
    package subscript(position: Int) -> Member { (keys[position], values[position]) }
}

extension JSONObject: Hashable {
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }
    package func hash(into hasher: inout Hasher) {
        // A sum, since members in another order are the same object; each member mixes in the process's seed.
        var sum = 0
        for (key, value) in self {
            var member = Hasher()
            ExactText(key).hash(into: &member)
            value.hash(into: &member)
            sum &+= member.finalize()
        }
        hasher.combine(sum)
    }
}
