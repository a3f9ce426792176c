/// Turns a schema document into nodes, collecting every fault on the way.
///
/// Works from a list of places still to read, so that neither deep nor self-referring documents cost stack.
struct SchemaCompiler {
    static let nodesCountMax = 100_000
    static let faultsCountMax = 1000
    /// Of a fault's path and of its message, which can quote names of any length.
    private static let faultTextBytesMax = 1024

    let document: JSONValue
    private(set) var nodes: [SchemaNode] = []
    private(set) var faults: [JSONSchemaViolation] = []
    private var places: [SchemaPlace] = []
    private var indices: [ExactText: Int] = [:]
    private var references: SchemaReferences

    init(_ document: JSONValue) {
        self.document = document
        references = SchemaReferences()
    }

    mutating func compile() throws(JSONSchemaError) -> [SchemaNode] {
        let root = SchemaPlace(value: document, pointer: "", base: URIReference())
        references.index(root, faults: &faults)
        if faults.contains(where: { $0.keyword == "$limit" }) { throw JSONSchemaError(faults: faults) }
        _ = index(of: root)
        var next = 0
        while next < places.count {
            nodes[next] = node(for: places[next])
            next += 1
        }
        if faults.isEmpty { findLoops() }
        guard faults.isEmpty else { throw JSONSchemaError(faults: Array(faults.prefix(Self.faultsCountMax))) }
        return nodes
    }

    /// The node of a place, made on first sight and filled in later.
    mutating func index(of place: SchemaPlace) -> Int {
        let key = ExactText(place.pointer)
        if let known = indices[key] { return known }
        guard places.count < Self.nodesCountMax else {
            fault(place.pointer, "$limit", "the document has more than \(Self.nodesCountMax) schemas")
            return 0
        }
        indices[key] = places.count
        places.append(place.entered())
        nodes.append(.always)
        return places.count - 1
    }

    mutating func fault(_ path: String, _ keyword: String, _ message: String) {
        if faults.count < Self.faultsCountMax || keyword == "$limit" && faults.last?.keyword != keyword {
            faults.append(
                JSONSchemaViolation(
                    path: VisibleText.capped(path, bytesMax: Self.faultTextBytesMax), keyword: keyword,
                    message: VisibleText.capped(message, bytesMax: Self.faultTextBytesMax)))
        }
    }

    private mutating func node(for place: SchemaPlace) -> SchemaNode {
        switch place.value {
        case .bool(let accepts): return accepts ? .always : .never
        case .object(let members):
            let keywords = self.keywords(of: members, at: place)
            return keywords.isEmpty ? .always : .keywords(keywords)
        default:
            fault(place.pointer, "", "a schema must be an object or a boolean, not \(place.value.typeName)")
            return .always
        }
    }

    /// The node `$ref` names.
    mutating func target(of reference: String, at place: SchemaPlace) -> Int? {
        switch references.resolve(reference, from: place) {
        case .success(let target): return index(of: target)
        case .failure(let error):
            fault(JSONPointer.appending("$ref", to: place.pointer), "$ref", error.message)
            return nil
        }
    }

    /// Refuses schemas that apply themselves to the same value again without end.
    private mutating func findLoops() {
        enum Mark { case unseen, open, done }
        var marks = Array(repeating: Mark.unseen, count: nodes.count)
        for start in nodes.indices where marks[start] == .unseen {
            var path: [(node: Int, next: [Int])] = [(start, nodes[start].inPlace)]
            marks[start] = .open
            while let top = path.last {
                guard let child = top.next.last else {
                    marks[top.node] = .done
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next.removeLast()
                switch marks[child] {
                case .done: break
                case .open:
                    fault(places[child].pointer, "$ref", "the schema applies itself to the same value without end")
                case .unseen:
                    marks[child] = .open
                    path.append((child, nodes[child].inPlace))
                }
            }
        }
    }
}

/// A schema within the document.
struct SchemaPlace {
    var value: JSONValue
    /// JSON Pointer from the document's root.
    var pointer: String
    /// What `$ref` and `$id` here are relative to.
    var base: URIReference
    /// Whether `base` is that of the place's own `$id` already; a relative one must not be applied twice.
    private var isEntered = false

    init(value: JSONValue, pointer: String, base: URIReference) {
        self.value = value
        self.pointer = pointer
        self.base = base
    }

    /// The place seen from inside: its own `$id` is the base.
    func entered() -> SchemaPlace {
        guard !isEntered, let id = value["$id"]?.stringValue else { return self }
        var place = self
        place.isEntered = true
        place.base = base.resolving(URIReference(id))
        place.base.fragment = nil
        return place
    }

    func child(_ tokens: String..., value: JSONValue) -> SchemaPlace {
        SchemaPlace(
            value: value, pointer: tokens.reduce(pointer) { JSONPointer.appending($1, to: $0) }, base: base)
    }
}

extension SchemaNode {
    /// The nodes applied to the same value.
    fileprivate var inPlace: [Int] {
        guard case .keywords(let keywords) = self else { return [] }
        return keywords.flatMap { keyword -> [Int] in
            switch keyword {
            case .allOf(let nodes), .anyOf(let nodes), .oneOf(let nodes): nodes
            case .not(let node), .reference(let node): [node]
            case .conditional(let condition, let then, let otherwise):
                [condition] + [then, otherwise].compactMap { $0 }
            case .dependentSchemas(let schemas): schemas.map(\.schema)
            default: []
            }
        }
    }
}
