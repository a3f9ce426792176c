import Yams

/// Reads one YAML document into a tree with positions: the core schema of YAML 1.2, no tags beyond it, aliases counted.
///
/// Yams resolves aliases while it reads, which would give away their places and their number. Every `*` is therefore
/// read as a sign that the text does not use: what then begins with it and is not quoted was an alias.
struct YAMLSourceReader {
    private let limits: DefinitionLimits
    private var faults: FaultCollector
    private let signs: StandIns
    private var anchors: [ExactText: Anchored] = [:]
    /// Anchors whose value is still being read: an alias to one would contain itself.
    private var openAnchors: Set<ExactText> = []
    private var aliases = 0
    private var values = 0
    private var hasStopped = false

    /// What an anchor names, with what an alias to it costs.
    private struct Anchored {
        var node: SourceNode
        var values: Int
        var depth: Int
    }

    /// - Parameter text: within `limits.bytesMax`.
    /// - Returns: nil after a fault that leaves no tree.
    static func read(_ text: String, _ limits: DefinitionLimits, _ faults: inout FaultCollector) -> SourceNode? {
        guard var signs = StandIns(text) else {
            faults.add(
                .unsupportedYAML, "", SourcePosition(line: 1, column: 1),
                "the text uses every sign from U+E000 to U+F8FF, which are for private use; leave some out")
            return nil
        }
        do {
            // The parser owns the anchors' names, the nodes only point to them.
            let (parser, root) = try signs.compose(text)
            guard let root else {
                faults.add(.syntax, "", SourcePosition(line: 1, column: 1), "the definition is empty")
                return nil
            }
            var reader = YAMLSourceReader(limits: limits, faults: faults, signs: signs)
            let node = withExtendedLifetime(parser) { reader.node(root, "", depth: 1) }
            faults = reader.faults
            return reader.hasStopped ? nil : node.value
        } catch let error as YamlError {
            let fault = error.fault(in: text)
            faults.add(fault.code, "", fault.position, signs.restored(fault.message))
            return nil
        } catch {
            faults.add(.syntax, "", SourcePosition(line: 1, column: 1), "the text cannot be read as YAML")
            return nil
        }
    }

    private init(limits: DefinitionLimits, faults: FaultCollector, signs: StandIns) {
        self.limits = limits
        self.faults = faults
        self.signs = signs
    }

    /// Converts a node; `depth` of the result is how deep it nests itself.
    private mutating func node(_ node: Node, _ path: String, depth: Int) -> (value: SourceNode, depth: Int) {
        let position = SourcePosition(node.mark)
        let nothing = SourceNode(position: position, content: .scalar(.null))
        guard !hasStopped else { return (nothing, 0) }
        guard depth <= limits.depthMax + 1 else { return (stop(.tooDeep, path, position, tooDeep), 0) }
        if case .scalar(let scalar) = node, scalar.style == .plain, let name = signs.aliasName(scalar.string) {
            return alias(name, path, position, depth: depth)
        }
        values += 1
        guard values <= limits.valuesMax else { return (stop(.tooLarge, path, position, tooLarge), 0) }
        let valuesBefore = values
        let anchor = (node.anchor?.rawValue).map(ExactText.init)
        if let anchor { openAnchors.insert(anchor) }
        var result: (value: SourceNode, depth: Int)
        switch node {
        case .scalar(let scalar):
            result = (SourceNode(position: position, content: .scalar(self.scalar(scalar, path, position))), 0)
        case .sequence(let sequence):
            checkTag(sequence.tag, [.seq], path, position)
            var elements: [SourceNode] = []
            var deepest = 0
            for (place, element) in sequence.enumerated() {
                let child = self.node(element, "\(path)[\(place)]", depth: depth + 1)
                elements.append(child.value)
                deepest = max(deepest, child.depth)
            }
            result = (SourceNode(position: position, content: .array(elements)), deepest + 1)
        case .mapping(let mapping):
            checkTag(mapping.tag, [.map], path, position)
            let members = self.members(mapping, path, depth: depth)
            result = (SourceNode(position: position, content: .object(members.list)), members.depth + 1)
        case .alias: result = (nothing, 0)
        }
        // A collection beyond the limit is refused, a scalar at that depth is not.
        if result.depth > 0, depth > limits.depthMax { return (stop(.tooDeep, path, position, tooDeep), 0) }
        if let anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = Anchored(node: result.value, values: values - valuesBefore + 1, depth: result.depth)
        }
        return result
    }

    private mutating func members(
        _ mapping: Node.Mapping, _ path: String, depth: Int
    ) -> (list: [SourceNode.Member], depth: Int) {
        var list: [SourceNode.Member] = []
        var seen: Set<ExactText> = []
        var deepest = 0
        for (keyNode, valueNode) in mapping where !hasStopped {
            let position = SourcePosition(keyNode.mark)
            guard case .scalar(let scalar) = keyNode else {
                faults.add(.unsupportedYAML, path, position, "a key is a text, not a list or a mapping")
                continue
            }
            guard scalar.style != .plain || signs.aliasName(scalar.string) == nil else {
                faults.add(.unsupportedYAML, path, position, "a key cannot be an alias; write it out")
                continue
            }
            let key = signs.restored(key: scalar.string)
            let memberPath = path.appendingKey(key)
            let value = node(valueNode, memberPath, depth: depth + 1)
            deepest = max(deepest, value.depth)
            guard seen.insert(ExactText(key)).inserted else {
                faults.add(.duplicateKey, memberPath, position, "the key '\(key)' stands twice; remove one")
                continue
            }
            list.append(.init(key: key, keyPosition: position, value: value.value))
        }
        return (list, deepest)
    }

    private mutating func alias(
        _ name: String, _ path: String, _ position: SourcePosition, depth: Int
    ) -> (value: SourceNode, depth: Int) {
        let nothing = SourceNode(position: position, content: .scalar(.null))
        aliases += 1
        guard aliases <= limits.aliasesMax else {
            return (stop(.tooLarge, path, position, "more than \(limits.aliasesMax) aliases; write the values out"), 0)
        }
        guard !openAnchors.contains(ExactText(name)) else {
            faults.add(.unsupportedYAML, path, position, "the alias '*\(name)' stands inside what it names")
            return (nothing, 0)
        }
        guard var anchored = anchors[ExactText(name)] else {
            faults.add(.unsupportedYAML, path, position, "the alias '*\(name)' has no anchor '&\(name)' before it")
            return (nothing, 0)
        }
        values += anchored.values
        guard values <= limits.valuesMax else { return (stop(.tooLarge, path, position, tooLarge), 0) }
        guard depth - 1 + anchored.depth <= limits.depthMax else {
            return (stop(.tooDeep, path, position, tooDeep), 0)
        }
        anchored.node.position = position
        return (anchored.node, anchored.depth)
    }

    private mutating func scalar(_ scalar: Node.Scalar, _ path: String, _ position: SourcePosition) -> JSONValue {
        let text = signs.restored(scalar.string)
        let tag = scalar.tag.rawValue
        let isPlain = scalar.style == .plain
        switch tag {
        case "": break
        case Tag.Name.str.rawValue, Tag.Name.nonSpecific.rawValue: return .string(text)
        case Tag.Name.int.rawValue, Tag.Name.float.rawValue, Tag.Name.bool.rawValue, Tag.Name.null.rawValue:
            break
        default:
            faults.add(.unsupportedYAML, path, position, "the tag '\(tag)' is not supported; remove it")
            return .string(text)
        }
        guard isPlain || !tag.isEmpty else { return .string(text) }
        let value: JSONValue
        switch YAMLCoreScalar(text) {
        case .value(let resolved): value = resolved
        case .notANumber:
            faults.add(
                .unsupportedYAML, path, position,
                "'\(text)' has no exact JSON form; put it in quotes if it is a text")
            return .null
        }
        let isFitting =
            switch tag {
            case Tag.Name.int.rawValue: value.typeName == "integer"
            case Tag.Name.float.rawValue: value.doubleValue != nil
            case Tag.Name.bool.rawValue: value.boolValue != nil
            case Tag.Name.null.rawValue: value.isNull
            default: true
            }
        if !isFitting {
            faults.add(.unsupportedYAML, path, position, "the value does not fit its tag '\(tag)'; remove the tag")
        }
        return value
    }

    private mutating func checkTag(_ tag: Tag, _ allowed: [Tag.Name], _ path: String, _ position: SourcePosition) {
        let name = tag.rawValue
        guard !name.isEmpty, name != Tag.Name.nonSpecific.rawValue, !allowed.contains(where: { $0.rawValue == name })
        else { return }
        faults.add(.unsupportedYAML, path, position, "the tag '\(name)' is not supported; remove it")
    }

    private var tooDeep: String { "nested deeper than \(limits.depthMax)" }
    private var tooLarge: String { "more than \(limits.valuesMax) values, aliases counted as what they stand for" }

    private mutating func stop(
        _ code: DefinitionFault.Code, _ path: String, _ position: SourcePosition, _ message: String
    ) -> SourceNode {
        if !hasStopped { faults.add(code, path, position, message) }
        hasStopped = true
        return SourceNode(position: position, content: .scalar(.null))
    }
}

extension SourcePosition {
    fileprivate init(_ mark: Mark?) {
        self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }
}

extension YamlError {
    /// What the parser found, as a fault.
    fileprivate func fault(in text: String) -> (code: DefinitionFault.Code, position: SourcePosition, message: String) {
        let start = SourcePosition(line: 1, column: 1)
        switch self {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let place = context.map { "\($0.text): " } ?? ""
            return (.syntax, SourcePosition(mark), "not valid YAML: \(place)\(problem)")
        case .composer(_, let problem, let mark, _):
            let isSecondDocument = problem.contains("another document")
            return (
                isSecondDocument ? .unsupportedYAML : .syntax, SourcePosition(mark),
                isSecondDocument ? "a second document begins here; a definition is one document" : problem
            )
        case .reader(let problem, let offset, _, _):
            var position = start
            for byte in text.utf8.prefix(offset ?? 0) {
                if byte == 0x0A { position = SourcePosition(line: position.line + 1, column: 1) }
                else if byte & 0xC0 != 0x80 { position.column += 1 }
            }
            return (.syntax, position, "not valid YAML: \(problem)")
        // Yams' name for keys that are not scalars. It orders them by chance, so the place it gives is any of several.
        case .duplicatedKeysInMapping(let keys, _) where keys.contains("<uncovertable>"):
            return (.unsupportedYAML, start, "a list or a mapping stands twice as a key; a key is a text")
        case .duplicatedKeysInMapping(let keys, let context):
            return (.duplicateKey, SourcePosition(context.mark), "a key stands twice: \(keys.joined(separator: ", "))")
        default: return (.syntax, start, "the text cannot be read as YAML")
        }
    }
}
