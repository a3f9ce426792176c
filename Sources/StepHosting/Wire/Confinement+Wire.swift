import StepABI
import WorkflowEngine

extension Confinement {
    private static let names: [(bit: Int, name: String)] = [
        (STEP_CONFINED_NO_NEW_PRIVS, "no_new_privs"), (STEP_CONFINED_SECCOMP, "seccomp"),
        (STEP_CONFINED_LANDLOCK, "landlock"), (STEP_CONFINED_UNPRIVILEGED, "unprivileged"),
        (STEP_CONFINED_RLIMITS, "rlimits"), (STEP_CONFINED_PDEATHSIG, "parent_death"),
    ]

    /// - Parameters:
    ///   - measures: `STEP_CONFINED_` bits.
    ///   - landlockABI: as the step host says; held to what can be.
    init(measures: UInt32, landlockABI: UInt32) {
        self.init(
            measures: Self.names.filter { Int(measures) & $0.bit != 0 }.map(\.name), landlockABI: Int(landlockABI))
    }
}
