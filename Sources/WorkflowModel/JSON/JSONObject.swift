/// The members of a JSON object, in the order they were written, each name once.
///
/// Equality ignores the order. Look-ups in small objects scan; from `indexedCountMin` members on an index is kept.
package struct JSONObject: Sendable {
    package typealias Member = (key: String, value: JSONValue)

    static let indexedCountMin = 9

    package private(set) var keys: [String] = []
    private var values: [JSONValue] = []
    private var index: [String: Int]?

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

    private mutating func append(_ key: String, _ value: JSONValue) {
        keys.append(key)
        values.append(value)
        if index != nil {
            index?[key] = keys.count - 1
        } else if keys.count >= Self.indexedCountMin {
            index = Dictionary(uniqueKeysWithValues: zip(keys, keys.indices))
        }
    }

    private mutating func remove(at position: Int) {
        keys.remove(at: position)
        values.remove(at: position)
        index = keys.count >= Self.indexedCountMin ? Dictionary(uniqueKeysWithValues: zip(keys, keys.indices)) : nil
    }

    private func position(of key: String) -> Int? {
        if let index { return index[key] }
        return keys.firstIndex(of: key)
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
    package func hash(into hasher: inout Hasher) { hasher.combine(count) }
}
