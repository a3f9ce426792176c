extension DefinitionChecker {
    static let stepKeys = ["name", "function", "with", "when", "timeout", "retry", "on_failure", "approval"]
    static let gateKeys = ["name", "approval", "when", "on_failure"]
    static let stepReservedKeys = ["needs"]
    static let retryKeys = [
        "max_attempts", "initial_interval", "multiplier", "max_interval", "jitter", "non_retryable",
    ]
    static let attemptsMax: Int64 = 100
    static let multiplierMax = 10.0
    static let nonRetryableCountMax = 50

    mutating func step(_ node: SourceNode, _ place: Int) -> StepDefinition? {
        let path = "steps[\(place)]"
        guard let members = object(node, path) else { return nil }
        if let gate = node["approval"] { return self.gate(gate, of: node, members, path, place) }
        checkKeys(members, path, known: Self.stepKeys, reserved: Self.stepReservedKeys)
        let name = stepName(node, path, place)
        let function = functionName(node, path)
        let input = node["with"].flatMap { self.input($0, "\(path).with", place) }
        if let function { checkInput(of: function, node, input, "\(path).with") }
        let when = node["when"].flatMap { condition($0, "\(path).when", .step(place)) }
        let timeout = node["timeout"].flatMap { duration($0, "\(path).timeout") }
        let retry = node["retry"].map { self.retry($0, "\(path).retry") }
        let onFailure = node["on_failure"].flatMap { choice($0, "\(path).on_failure", FailurePolicy.self) }
        guard let name, let function else { return nil }
        return StepDefinition(
            name: name, action: .call(function), input: input ?? .literal(.object(JSONObject())), when: when,
            timeout: timeout ?? StepDefinition.timeoutDefault, retry: retry ?? RetryPolicy(),
            onFailure: onFailure ?? .fail)
    }

    mutating func stepName(_ node: SourceNode, _ path: String, _ place: Int) -> String? {
        guard let nameNode = required("name", of: node, path) else { return nil }
        let path = "\(path).name"
        guard let name = string(nameNode, path) else { return nil }
        guard DefinitionNames.isStepName(name) else {
            faults.add(
                .invalidName, path, nameNode.position,
                "'\(name)' is no name: use 1 to 63 letters, digits, '_' and '-', a letter or '_' first")
            return nil
        }
        if let first = stepPlaces[name], first != place {
            faults.add(
                .duplicateName, path, nameNode.position,
                "steps[\(first)] already has the name '\(name)'; give each step its own")
        }
        return name
    }

    private mutating func functionName(_ node: SourceNode, _ path: String) -> FunctionName? {
        guard let functionNode = required("function", of: node, path) else { return nil }
        let path = "\(path).function"
        guard let text = string(functionNode, path) else { return nil }
        guard let name = FunctionName(text) else {
            faults.add(
                .invalidName, path, functionNode.position,
                "'\(text)' is no function: write plugin.function, lower-case letters, digits, '_' and '-'")
            return nil
        }
        if case .unknown(let known) = lookup(name) {
            let suggestion = faults.isFull ? "" : faults.suggestion(for: text, among: known().map(\.description))
            let hint = suggestion.isEmpty ? "; install its plugin or name another" : suggestion
            faults.add(.unknownFunction, path, functionNode.position, "no plugin offers '\(text)'\(hint)")
        }
        return name
    }

    mutating func lookup(_ name: FunctionName) -> FunctionLookup {
        if let known = lookups[name] { return known }
        let answer = functions(name)
        lookups[name] = answer
        return answer
    }

    /// `with`: an object, or one expression that makes the whole of it.
    private mutating func input(_ node: SourceNode, _ path: String, _ place: Int) -> ValueTemplate? {
        switch node.content {
        case .object: return template(node, path, .step(place))
        case .scalar(.string):
            let whole = template(node, path, .step(place))
            if case .expression = whole { return whole }
        default: break
        }
        faults.add(
            .wrongType, path, node.position,
            "with is an object or one expression \"${{ … }}\" that gives the whole input")
        return nil
    }

    private mutating func retry(_ node: SourceNode, _ path: String) -> RetryPolicy {
        var policy = RetryPolicy()
        guard let members = object(node, path) else { return policy }
        checkKeys(members, path, known: Self.retryKeys)
        if let attempts = node["max_attempts"] {
            if case .scalar(.int(let count)) = attempts.content, (1...Self.attemptsMax).contains(count) {
                policy.attemptsMax = Int(count)
            } else {
                faults.add(
                    .invalidValue, "\(path).max_attempts", attempts.position,
                    "max_attempts is a whole number from 1 to \(Self.attemptsMax)")
            }
        }
        if let multiplier = node["multiplier"] {
            if case .scalar(let value) = multiplier.content, let number = value.doubleValue,
                (1...Self.multiplierMax).contains(number)
            {
                policy.multiplier = number
            } else {
                faults.add(
                    .invalidValue, "\(path).multiplier", multiplier.position,
                    "multiplier is a number from 1 to \(Int(Self.multiplierMax))")
            }
        }
        let initial = node["initial_interval"].flatMap { duration($0, "\(path).initial_interval") }
        let longest = node["max_interval"].flatMap { duration($0, "\(path).max_interval") }
        policy.initialInterval = initial ?? policy.initialInterval
        // A first interval longer than the default cap lifts the cap.
        policy.maxInterval = longest ?? max(policy.maxInterval, policy.initialInterval)
        if let longestNode = node["max_interval"], longest != nil, policy.maxInterval < policy.initialInterval {
            faults.add(
                .invalidValue, "\(path).max_interval", longestNode.position,
                "max_interval is shorter than initial_interval; make it at least as long")
        }
        if let jitter = node["jitter"] {
            policy.jitter = choice(jitter, "\(path).jitter", RetryPolicy.Jitter.self) ?? policy.jitter
        }
        if let codes = node["non_retryable"] { policy.nonRetryable = errorCodes(codes, "\(path).non_retryable") }
        return policy
    }

    private mutating func errorCodes(_ node: SourceNode, _ path: String) -> [String] {
        guard case .array(let elements) = node.content, elements.count <= Self.nonRetryableCountMax else {
            faults.add(
                .wrongType, path, node.position,
                "non_retryable is a list of at most \(Self.nonRetryableCountMax) error codes")
            return []
        }
        var codes: [String] = []
        for (place, element) in elements.enumerated() {
            let path = "\(path)[\(place)]"
            guard let code = string(element, path) else { continue }
            if DefinitionNames.isErrorCode(code) {
                codes.append(code)
            } else {
                faults.add(
                    .invalidValue, path, element.position,
                    "'\(code)' is no error code: lower-case letters, digits and '_', a letter first")
            }
        }
        return codes
    }
}
