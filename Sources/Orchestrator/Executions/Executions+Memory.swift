import WebServing
import WorkflowEngine
import WorkflowModel

/// The memory that open executions take, against the budget that the routes refuse starts by.
extension Executions {
    /// Brings a slot's share to what its context takes now. One that waits for a person takes none: it may wait for
    /// weeks, and must not keep others from starting.
    func account(_ slot: ExecutionSlot) {
        let state = slot.machine.state
        if slot.startMemoryBytes > 0, slot.startContextBytes == 0 { slot.startContextBytes = state.contextBytes }
        let grown = max(0, state.contextBytes - slot.startContextBytes) * ContextMemory.bytesPerRecordedByte
        let bytes = state.pendingApproval == nil ? slot.startMemoryBytes + grown : 0
        if let memory = slot.memory { memory.set(bytes) } else { slot.memory = contexts.forcedShare(of: bytes) }
    }
}
