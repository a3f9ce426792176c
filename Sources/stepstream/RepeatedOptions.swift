/// Options that are given twice: the library takes the last one and ignores the others in silence.
enum RepeatedOptions {
    /// Those that collect every value.
    private static let repeatable: Set = ["--plugins", "--plugin-files", "--cors-origin", "--set"]

    /// - Parameter arguments: of a command line that was parsed, so that what begins with `-` is an option.
    /// - Throws: every option that may be given once and is given more often.
    static func refuse(in arguments: [String]) throws(CommandError) {
        var seen: Set<String> = []
        var repeated: [String] = []
        for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("-") && argument != "-" {
            var name = String(argument.prefix { $0 != "=" })
            if name == "-i" { name = "--inputs" }
            guard !repeatable.contains(name), !seen.insert(name).inserted, !repeated.contains(name) else { continue }
            repeated.append(name)
        }
        guard !repeated.isEmpty else { return }
        throw CommandError(.usage, "\(repeated.joined(separator: ", ")) may be given once only")
    }
}
