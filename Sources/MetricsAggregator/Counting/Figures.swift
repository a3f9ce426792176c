import WorkflowModel

/// Everything that is shown; a value, so that what was committed can be shown while more is counted.
struct Figures: Hashable {
    /// Stands for workflows and functions beyond the limits.
    static let others = "other"
    /// The function of a result whose `step_started` never came.
    static let unknownFunction = "unknown"

    var totals = Totals()
    var workflows: [String: WorkflowFigures] = [:]
    var functions: [String: FunctionFigures] = [:]
    var statistics: Statistics
    var approvals = ApprovalTimes()
    private let limits: AggregatorLimits

    init(limits: AggregatorLimits) {
        self.limits = limits
        statistics = Statistics(limits: limits)
    }

    /// The label of a workflow: its name, or `other` beyond the limit.
    mutating func workflow(_ name: String) -> String {
        let label = Self.label(name, in: workflows, max: limits.workflowsMax)
        if workflows[label] == nil { workflows[label] = WorkflowFigures() }
        return label
    }

    /// The label of a function: its name, or `other` beyond the limit.
    mutating func function(_ name: String) -> String {
        let label = Self.label(name, in: functions, max: limits.functionsMax)
        if functions[label] == nil { functions[label] = FunctionFigures() }
        return label
    }

    private static func label<Value>(_ name: String, in known: [String: Value], max: Int) -> String {
        if known[name] != nil { return name }
        return known.count < max && name.utf8.count <= AggregatorLimits.labelBytesMax ? name : others
    }

    mutating func count(_ label: String, _ change: (inout WorkflowFigures) -> Void) {
        change(&workflows[label, default: WorkflowFigures()])
        workflows[label]?.isChanged = true
    }

    /// Which approvals wait, in short.
    struct ApprovalTimes: Hashable {
        var oldestRequest: Timestamp?
        var nextDeadline: Timestamp?
    }
}
