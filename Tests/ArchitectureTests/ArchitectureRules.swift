/// The house's rules, each a pure function from what it reads to the lines that break it.
enum ArchitectureRules {
    static let consumers: Set = ["Gateway", "MetricsAggregator", "ApprovalNotifier"]
    static let linesCountMax = 500

    /// Every target has a row, and depends on nothing its row lacks.
    static func manifestArrows(_ manifest: Manifest, _ table: ArchitectureTable) -> [String] {
        manifest.targets.filter { !$0.isTest }.flatMap { target -> [String] in
            guard table.rows[target.name] != nil else { return ["Package.swift: \(target.name) has no row"] }
            return target.dependencies.sorted().filter { !table.allows($0, in: target.name) }.map {
                "Package.swift: \(target.name) → \($0) is not in the table"
            }
        }
    }

    /// Every import is in the importing room's row, and declared by its target.
    static func importArrows(_ files: [SourceFile], _ manifest: Manifest, _ table: ArchitectureTable) -> [String] {
        let targets = Dictionary(manifest.targets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return files.flatMap { file -> [String] in
            guard let target = targets[file.room] else { return ["\(file.path): no target \(file.room)"] }
            return file.imports.flatMap { module, line -> [String] in
                if module == file.room { return [] }
                var broken: [String] = []
                if !table.allows(module, in: file.room) {
                    broken.append("\(file.path):\(line): \(file.room) → \(module) is not in the table")
                }
                let isOurs = table.rows[module] != nil
                if isOurs && !target.dependencies.contains(module) {
                    broken.append("\(file.path):\(line): \(module) is not a dependency of \(file.room)")
                }
                return broken
            }
        }
    }

    /// Consumers know the event contract only, and the orchestrator knows no consumer, whatever the table says.
    static func consumersApart(_ files: [SourceFile], _ manifest: Manifest) -> [String] {
        func isForbidden(_ module: String, in room: String) -> Bool {
            if consumers.contains(room) {
                return ["Orchestrator", "WorkflowEngine"].contains(module) || module.hasPrefix("Journal")
                    || (consumers.contains(module) && module != room)
            }
            return room == "Orchestrator" && consumers.contains(module)
        }
        let declared = manifest.targets.flatMap { target in
            target.dependencies.sorted().filter { isForbidden($0, in: target.name) }.map {
                "Package.swift: \(target.name) → \($0)"
            }
        }
        let imported = files.flatMap { file in
            file.imports.filter { isForbidden($0.module, in: file.room) }.map {
                "\(file.path):\($0.line): \(file.room) → \($0.module)"
            }
        }
        return declared + imported
    }

    /// `public` and `open` are for plugin authors only.
    static func publicRooms(_ files: [SourceFile]) -> [String] {
        files.filter { $0.isSwift && !["StepKit", "StepKitTesting", "StepABI"].contains($0.room) }.flatMap { file in
            file.codeLines.enumerated().compactMap { number, line in
                guard line.contains("public") || line.contains("open") else { return nil }
                let words = SourceFile.words(of: line)
                let isOpen = words.first == "open" && words.contains { ["class", "func", "var"].contains($0) }
                return words.contains("public") || isOpen ? "\(file.path):\(number + 1): public" : nil
            }
        }
    }

    /// Names at the top of the repository; what `.gitignore` names is no part of it.
    static func topLevel(_ names: [String], gitignore: String) -> [String] {
        let allowed: Set = ["Package.swift", "Sources", "Tests", "plugins", "deploy", "README.md"]
        let ignored = Set(
            gitignore.split(separator: "\n").map { $0.hasSuffix("/") ? String($0.dropLast()) : String($0) })
        return names.filter { !allowed.contains($0) && !$0.hasPrefix(".") && !ignored.contains($0) }
    }

    /// Promises the compiler cannot check say why they hold: on their line, in the comment above, or on the line below.
    static func safetyLines(_ files: [SourceFile]) -> [String] {
        files.filter(\.isSwift).flatMap { file -> [String] in
            let lines = file.lines
            return file.codeLines.enumerated().compactMap { number, code in
                let promise = ["@unchecked Sendable", "nonisolated(unsafe)"].first(where: code.contains)
                guard let promise else { return nil }
                var reasons = [lines[number]]
                for line in lines[..<number].reversed() {
                    let start = line.drop { $0 == " " }
                    // Attributes may stand between the comment and the declaration.
                    guard start.hasPrefix("//") || start.hasPrefix("@") else { break }
                    reasons.append(line)
                }
                if number + 1 < lines.count, lines[number + 1].drop(while: { $0 == " " }).hasPrefix("//") {
                    reasons.append(lines[number + 1])
                }
                return reasons.contains { $0.contains("SAFETY:") }
                    ? nil : "\(file.path):\(number + 1): \(promise) without a SAFETY: line"
            }
        }
    }

    static func longFiles(_ files: [SourceFile]) -> [String] {
        files.filter { $0.lines.count > linesCountMax }.map { "\($0.path): \($0.lines.count) lines" }
    }
}
