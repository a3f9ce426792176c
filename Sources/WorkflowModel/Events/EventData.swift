/// The `data` object of an event, one case a type; members stand in the contract's order, the seed's fields first.
package enum EventData: Hashable, Sendable {
    case executionStarted(ExecutionStarted)
    case stepStarted(StepStarted)
    case stepCompleted(StepCompleted)
    case stepFailed(StepFailed)
    case executionCompleted(ExecutionCompleted)
    case executionFailed(ExecutionFailed)
    case stepRetrying(StepRetrying)
    case stepSkipped(StepSkipped)
    case executionCancelled(ExecutionCancelled)
    case approvalRequested(ApprovalRequested)
    case approvalVote(ApprovalVote)
    case approvalReminder(ApprovalNotice)
    case approvalEscalated(ApprovalNotice)
    case approvalGranted(ApprovalOutcome)
    case approvalRejected(ApprovalOutcome)
    case approvalExpired(ApprovalOutcome)

    package struct ExecutionStarted: Hashable, Sendable {
        package var deliverableType: String
        package var totalSteps: Int
        package var startedAt: Timestamp
        package var definitionRevision: Int
        package init(deliverableType: String, totalSteps: Int, startedAt: Timestamp, definitionRevision: Int) {
            self.deliverableType = deliverableType
            self.totalSteps = totalSteps
            self.startedAt = startedAt
            self.definitionRevision = definitionRevision
        }
    }

    package struct StepStarted: Hashable, Sendable {
        /// From 1, in definition order.
        package var stepNumber: Int
        package var stepName: String
        package var function: String
        /// From 1.
        package var attempt: Int
        package init(stepNumber: Int, stepName: String, function: String, attempt: Int) {
            self.stepNumber = stepNumber
            self.stepName = stepName
            self.function = function
            self.attempt = attempt
        }
    }

    package struct StepCompleted: Hashable, Sendable {
        package var stepNumber: Int
        package var stepName: String
        package var executionTimeMilliseconds: Double
        package var progress: Int
        package var attempt: Int
        package var queuedMilliseconds: Double
        package init(
            stepNumber: Int, stepName: String, executionTimeMilliseconds: Double, progress: Int, attempt: Int,
            queuedMilliseconds: Double
        ) {
            self.stepNumber = stepNumber
            self.stepName = stepName
            self.executionTimeMilliseconds = executionTimeMilliseconds
            self.progress = progress
            self.attempt = attempt
            self.queuedMilliseconds = queuedMilliseconds
        }
    }

    package struct StepFailed: Hashable, Sendable {
        package var stepNumber: Int
        package var stepName: String
        package var executionTimeMilliseconds: Double
        package var errorMessage: String
        package var progress: Int
        package var attempt: Int
        package var queuedMilliseconds: Double
        package var errorCode: String
        package init(
            stepNumber: Int, stepName: String, executionTimeMilliseconds: Double, errorMessage: String, progress: Int,
            attempt: Int, queuedMilliseconds: Double, errorCode: String
        ) {
            self.stepNumber = stepNumber
            self.stepName = stepName
            self.executionTimeMilliseconds = executionTimeMilliseconds
            self.errorMessage = errorMessage
            self.progress = progress
            self.attempt = attempt
            self.queuedMilliseconds = queuedMilliseconds
            self.errorCode = errorCode
        }
    }

    package struct ExecutionCompleted: Hashable, Sendable {
        package var riskScore: Double
        package var requiresApproval: Bool
        package var totalSteps: Int
        package var successfulSteps: Int
        package init(riskScore: Double, requiresApproval: Bool, totalSteps: Int, successfulSteps: Int) {
            self.riskScore = riskScore
            self.requiresApproval = requiresApproval
            self.totalSteps = totalSteps
            self.successfulSteps = successfulSteps
        }
    }

    package struct ExecutionFailed: Hashable, Sendable {
        package var errorMessage: String
        /// The step that failed the run; nil when no step did (an output expression, say).
        package var failedStep: String?
        package var errorCode: String
        package init(errorMessage: String, failedStep: String?, errorCode: String) {
            self.errorMessage = errorMessage
            self.failedStep = failedStep
            self.errorCode = errorCode
        }
    }

    package struct StepRetrying: Hashable, Sendable {
        package var stepNumber: Int
        package var stepName: String
        package var attempt: Int
        package var errorCode: String
        package var errorMessage: String
        package var executionTimeMilliseconds: Double
        package var nextAttemptAt: Timestamp
        package init(
            stepNumber: Int, stepName: String, attempt: Int, errorCode: String, errorMessage: String,
            executionTimeMilliseconds: Double, nextAttemptAt: Timestamp
        ) {
            self.stepNumber = stepNumber
            self.stepName = stepName
            self.attempt = attempt
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.executionTimeMilliseconds = executionTimeMilliseconds
            self.nextAttemptAt = nextAttemptAt
        }
    }

    package struct StepSkipped: Hashable, Sendable {
        package var stepNumber: Int
        package var stepName: String
        package var reason: String
        package var progress: Int
        package init(stepNumber: Int, stepName: String, reason: String, progress: Int) {
            self.stepNumber = stepNumber
            self.stepName = stepName
            self.reason = reason
            self.progress = progress
        }
    }

    package struct ExecutionCancelled: Hashable, Sendable {
        package var reason: String
        package var requestedBy: String
        package var progress: Int
        package init(reason: String, requestedBy: String, progress: Int) {
            self.reason = reason
            self.requestedBy = requestedBy
            self.progress = progress
        }
    }

    package var type: EventType {
        switch self {
        case .executionStarted: .executionStarted
        case .stepStarted: .stepStarted
        case .stepCompleted: .stepCompleted
        case .stepFailed: .stepFailed
        case .executionCompleted: .executionCompleted
        case .executionFailed: .executionFailed
        case .stepRetrying: .stepRetrying
        case .stepSkipped: .stepSkipped
        case .executionCancelled: .executionCancelled
        case .approvalRequested: .approvalRequested
        case .approvalVote: .approvalVote
        case .approvalReminder: .approvalReminder
        case .approvalEscalated: .approvalEscalated
        case .approvalGranted: .approvalGranted
        case .approvalRejected: .approvalRejected
        case .approvalExpired: .approvalExpired
        }
    }
}
