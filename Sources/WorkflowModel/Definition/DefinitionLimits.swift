/// What a definition may be at most (DESIGN §8).
package struct DefinitionLimits: Sendable {
    package var bytesMax: Int
    package var stepsMax: Int
    /// Nesting of arrays and objects.
    package var depthMax: Int
    /// Uses of YAML anchors.
    package var aliasesMax: Int
    /// Values in the text once every alias is replaced by what it stands for.
    package var valuesMax: Int
    /// Faults reported at once; more are only counted.
    package var faultsMax: Int

    package init(
        bytesMax: Int = 1 << 20, stepsMax: Int = 10_000, depthMax: Int = 64, aliasesMax: Int = 100,
        valuesMax: Int = 500_000, faultsMax: Int = 100
    ) {
        self.bytesMax = bytesMax
        self.stepsMax = stepsMax
        self.depthMax = depthMax
        self.aliasesMax = aliasesMax
        self.valuesMax = valuesMax
        self.faultsMax = faultsMax
    }
}
