extension DefinitionChecker {
    static let approvalKeys = [
        "approvers", "quorum", "four_eyes", "form", "deadline", "remind_every", "escalate_to", "escalate_after",
        "on_expiry", "reason",
    ]
    static let releaseKeys = ["required_when"] + approvalKeys
    static let approversMax = 50
    static let approverScalarsMax = 128
    static let quorumMax: Int64 = 50
    static let reasonScalarsMax = 1_000
    static let formBytesMax = 16 << 10

    /// A step that holds the run until somebody decides.
    mutating func gate(
        _ approval: SourceNode, of node: SourceNode, _ members: [SourceNode.Member], _ path: String, _ place: Int
    ) -> StepDefinition? {
        for member in members where Self.stepKeys.contains(member.key) && !Self.gateKeys.contains(member.key) {
            faults.add(
                .unknownKey, path.appendingKey(member.key), member.keyPosition,
                "a step with 'approval' waits for people and has no '\(member.key)'; make two steps of it")
        }
        checkKeys(members, path, known: Self.stepKeys, reserved: Self.stepReservedKeys)
        let name = stepName(node, path, place)
        let gate = self.approval(approval, "\(path).approval", known: Self.approvalKeys)
        let when = node["when"].flatMap { condition($0, "\(path).when", .step(place)) }
        let onFailure = node["on_failure"].flatMap { choice($0, "\(path).on_failure", FailurePolicy.self) }
        guard let name, let gate else { return nil }
        return StepDefinition(name: name, action: .gate(gate), when: when, onFailure: onFailure ?? .fail)
    }

    mutating func release(_ node: SourceNode, _ path: String) -> ReleaseDefinition? {
        guard object(node, path) != nil else { return nil }
        let requiredWhen = required("required_when", of: node, path).flatMap {
            condition($0, "\(path).required_when", .end)
        }
        guard let approval = approval(node, path, known: Self.releaseKeys), let requiredWhen else { return nil }
        return ReleaseDefinition(requiredWhen: requiredWhen, approval: approval)
    }

    private mutating func approval(_ node: SourceNode, _ path: String, known: [String]) -> ApprovalDefinition? {
        guard let members = object(node, path) else { return nil }
        checkKeys(members, path, known: known)
        var approval = ApprovalDefinition(approvers: [])
        if let approvers = required("approvers", of: node, path) {
            approval.approvers = names(approvers, "\(path).approvers")
        }
        if let quorum = node["quorum"] {
            if case .scalar(.int(let count)) = quorum.content, (1...Self.quorumMax).contains(count) {
                approval.quorum = Int(count)
            } else {
                faults.add(
                    .invalidValue, "\(path).quorum", quorum.position,
                    "quorum is a whole number from 1 to \(Self.quorumMax)")
            }
        }
        if let fourEyes = node["four_eyes"] {
            if case .scalar(.bool(let value)) = fourEyes.content { approval.fourEyes = value } else {
                faults.add(.wrongType, "\(path).four_eyes", fourEyes.position, "four_eyes is true or false")
            }
        }
        approval.form = node["form"].flatMap { form($0, "\(path).form") }
        approval.deadline = node["deadline"].flatMap { duration($0, "\(path).deadline") }
        approval.remindEvery = node["remind_every"].flatMap { duration($0, "\(path).remind_every") }
        approval.escalateTo = node["escalate_to"].map { names($0, "\(path).escalate_to") } ?? []
        approval.escalateAfter = node["escalate_after"].flatMap { duration($0, "\(path).escalate_after") }
        approval.onExpiry =
            node["on_expiry"].flatMap { choice($0, "\(path).on_expiry", ExpiryPolicy.self) } ?? .fail
        approval.reason = node["reason"].flatMap { reason($0, "\(path).reason") }
        checkTimes(node, path)
        return approval
    }

    /// What needs what else; each fault at the key that asks for it.
    private mutating func checkTimes(_ node: SourceNode, _ path: String) {
        let escalates = node["on_expiry"]?.json == "escalate"
        if let expiry = node["on_expiry"], node["deadline"] == nil {
            faults.add(
                .missingKey, "\(path).on_expiry", expiry.position,
                "on_expiry says what a deadline means; add 'deadline'")
        }
        if let expiry = node["on_expiry"], escalates, node["escalate_to"] == nil {
            faults.add(
                .missingKey, "\(path).on_expiry", expiry.position, "on_expiry: escalate needs 'escalate_to'")
        }
        if let after = node["escalate_after"], node["escalate_to"] == nil {
            faults.add(
                .missingKey, "\(path).escalate_after", after.position, "escalate_after needs 'escalate_to'")
        }
        if let others = node["escalate_to"], node["escalate_after"] == nil, !escalates {
            faults.add(
                .missingKey, "\(path).escalate_to", others.position,
                "escalate_to needs 'escalate_after', or 'on_expiry: escalate'")
        }
    }

    /// It goes into an event, which has its own limit.
    private mutating func form(_ node: SourceNode, _ path: String) -> JSONSchema? {
        guard object(node, path) != nil else { return nil }
        guard node.json.encoded.count <= Self.formBytesMax else {
            faults.add(.tooLarge, path, node.position, "form exceeds the limit of \(Self.formBytesMax) bytes")
            return nil
        }
        return schema(node, path)
    }

    private mutating func names(_ node: SourceNode, _ path: String) -> [String] {
        guard case .array(let elements) = node.content, (1...Self.approversMax).contains(elements.count) else {
            faults.add(
                .wrongType, path, node.position, "\(path) is a list of 1 to \(Self.approversMax) names or groups")
            return []
        }
        var names: [String] = []
        for (place, element) in elements.enumerated() {
            let path = "\(path)[\(place)]"
            guard let name = string(element, path) else { continue }
            let isName =
                (1...Self.approverScalarsMax).contains(name.unicodeScalars.count)
                && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "|" && $0.value != 0x7F }
            if !isName {
                faults.add(
                    .invalidName, path, element.position,
                    "a name has 1 to \(Self.approverScalarsMax) characters, no '|' and no control character")
            } else if names.contains(name) {
                faults.add(.duplicateName, path, element.position, "'\(name)' is listed twice")
            } else {
                names.append(name)
            }
        }
        return names
    }

    private mutating func reason(_ node: SourceNode, _ path: String) -> String? {
        guard let text = string(node, path) else { return nil }
        guard (1...Self.reasonScalarsMax).contains(text.unicodeScalars.count) else {
            faults.add(.invalidValue, path, node.position, "reason has 1 to \(Self.reasonScalarsMax) characters")
            return nil
        }
        return text
    }
}
