import WebServing
import WorkflowModel

/// The body of a start: `{"inputs": {…}, "execution_id": "…"}`, both optional.
struct ExecuteBody: Sendable {
    /// How far a given identifier's time may be from the server's clock.
    static let ageMax = Duration.seconds(86_400)
    static let leadMax = Duration.seconds(60)

    var inputs: JSONValue
    var executionID: ExecutionID?
    /// SHA-256 of the inputs as a value (see `ContentDigest`), and their length as JSON.
    var inputsDigest: [UInt8]
    var inputsByteCount: Int
    /// SHA-256 of the inputs and the identifier. It is the same for every spelling of the body: an absent member counts
    /// as its default.
    var digest: [UInt8]
    private let body: JSONValue

    /// - Throws: 422 with every fault.
    init(_ body: JSONValue, now: Timestamp) throws(Problem) {
        var faults: [Problem.Fault] = []
        self.body = body
        inputs = body["inputs"] ?? .object(JSONObject())
        (inputsDigest, inputsByteCount) = ContentDigest.sha256(of: inputs)
        digest = []
        guard let members = body.objectValue else {
            throw Problem(422, "invalid_body", "the body is a JSON object with `inputs`, not \(body.typeName)")
        }
        for key in members.keys where key != "inputs" && key != "execution_id" {
            faults.append(
                .init(path: "/\(key)", code: "unknown_member", message: "known members are inputs and execution_id"))
        }
        if inputs.objectValue == nil {
            faults.append(.init(path: "/inputs", code: "type", message: "expected an object, not \(inputs.typeName)"))
        }
        if let given = body["execution_id"], !given.isNull {
            executionID = given.stringValue.flatMap { ExecutionID($0) }
            if let fault = Self.fault(of: executionID, now: now) { faults.append(fault) }
        }
        guard faults.isEmpty else { throw Problem(422, "invalid_body", "the body cannot be used", faults: faults) }
        digest = ContentDigest.sha256(inputsDigest + Array((executionID?.description ?? "").utf8))
    }

    /// Whether an earlier start with this digest asked for the same.
    ///
    /// Journals of 0.1.0's first builds hold digests of the JSON as it was written, which are accepted, too.
    func isSame(asDigest earlier: [UInt8]) -> Bool {
        earlier == digest || earlier == ContentDigest.sha256(body.encoded)
    }

    /// Whether an earlier start whose inputs have this digest had the same inputs; by either form, as above.
    func hasSameInputs(asDigest earlier: [UInt8]) -> Bool {
        earlier == inputsDigest || earlier == ContentDigest.sha256(inputs.encoded)
    }

    private static func fault(of execution: ExecutionID?, now: Timestamp) -> Problem.Fault? {
        let code = OrchestratorError.Code.invalidExecutionID.rawValue
        guard let execution else {
            return .init(path: "/execution_id", code: code, message: "expected a lower-case UUID version 7")
        }
        let age = now - execution.time
        guard age <= ageMax, .zero - age <= leadMax else {
            return .init(
                path: "/execution_id", code: code,
                message: "its time \(execution.time) is not within −24 h … +1 min of the server's \(now)")
        }
        return nil
    }
}
