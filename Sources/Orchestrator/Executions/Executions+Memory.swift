import WebServing
import WorkflowEngine
import WorkflowModel

/// The memory that open executions take, against the budget that the routes refuse starts by.
extension Executions {
    /// Brings a slot's share to what its context takes now. One that waits for a person takes none: it may wait for
    /// weeks, and must not keep others from starting.
    func account(_ slot: ExecutionSlot) {
        let state = slot.machine.state
        // Where the inputs were not measured they are estimated like everything else that is recorded.
        let measuredContext = slot.inputMemoryBytes == nil ? 0 : slot.inputContextBytes
        let estimated = (state.contextBytes - measuredContext) * ContextMemory.bytesPerRecordedByte
        let bytes = state.pendingApproval == nil ? (slot.inputMemoryBytes ?? 0) + estimated : 0
        if let memory = slot.memory { memory.set(bytes) } else { slot.memory = contexts.forcedShare(of: bytes) }
    }
}
