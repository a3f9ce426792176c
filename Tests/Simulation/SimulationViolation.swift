/// A promise that a simulated run broke, with what was lost.
package struct SimulationViolation: Error, CustomStringConvertible {
    package var seed: UInt64
    package var message: String
    package var description: String { "seed \(seed): \(message)" }
}
