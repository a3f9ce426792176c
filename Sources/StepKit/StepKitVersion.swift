/// The version of this SDK, as `describe` and the ABI note carry it.
enum StepKitVersion {
    static let text = "1.0.0"
}
