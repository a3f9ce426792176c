/// What holds a step host's process: the measures that its kernel and its settings put in force before the plugin ran.
package struct Confinement: Hashable, Sendable, CustomStringConvertible {
    /// `rlimits`, `no_new_privs`, `landlock`, `seccomp`, `unprivileged`, `parent_death`: those in force.
    package var measures: [String]
    /// The version of Landlock in force; 0 when there is none. What an older one lacks, seccomp refuses instead.
    package var landlockABI: Int

    package init(measures: [String], landlockABI: Int) {
        self.measures = measures
        self.landlockABI = landlockABI
    }

    /// `landlock 7, no_new_privs, seccomp`
    package var description: String {
        measures.isEmpty
            ? "nothing" : measures.map { $0 == "landlock" ? "landlock \(landlockABI)" : $0 }.joined(separator: ", ")
    }
}
