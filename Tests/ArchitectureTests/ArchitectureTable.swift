/// The tables of `deploy/guide/architecture.md`: which room may import what.
struct ArchitectureTable: Sendable {
    struct Row: Equatable, Sendable {
        var room: String
        /// Rooms and system libraries.
        var rooms: Set<String>
        /// Modules of third parties, groups taken apart.
        var thirdParties: Set<String>
        /// Whether every room is allowed.
        var isRoot: Bool
    }

    private(set) var rows: [String: Row] = [:]
    /// Module → rooms it is closed to; open to all others.
    private(set) var common: [String: Set<String>] = [:]

    struct Malformed: Error { var message: String }

    /// - Throws: `Malformed` when a table is missing or a row cannot be read.
    init(markdown: String) throws {
        let tables = Self.tables(in: markdown)
        func rows(_ heading: String) throws -> [[String]] {
            guard let table = tables.first(where: { $0.first?.first == heading }), table.count > 1 else {
                throw Malformed(message: "no table that begins with \"\(heading)\"")
            }
            return Array(table.dropFirst())
        }
        let groups = Dictionary(
            try rows("name").map { ($0[0], Set(Self.list($0[1]))) }, uniquingKeysWith: { first, _ in first })
        for cells in try rows("modules") {
            for module in Self.list(cells[0]) { common[module] = Set(Self.list(cells[1])) }
        }
        for cells in try rows("room") {
            guard cells.count == 3, let room = cells[0].split(separator: " ").first.map(String.init) else {
                throw Malformed(message: "row \(cells)")
            }
            let parts = cells[2].split(separator: ";", maxSplits: 1).map(String.init)
            let rooms = Set(Self.list(parts.first ?? ""))
            let thirdParties = parts.count > 1 ? Self.list(parts[1]) : []
            guard self.rows[room] == nil else { throw Malformed(message: "\(room) has two rows") }
            self.rows[room] = Row(
                room: room, rooms: rooms.subtracting(["all"]),
                thirdParties: thirdParties.reduce(into: []) { $0.formUnion(groups[$1] ?? [$1]) },
                isRoot: rooms.contains("all"))
        }
    }

    /// Whether `room` may depend on `module`.
    func allows(_ module: String, in room: String) -> Bool {
        guard let row = rows[room] else { return false }
        if let closed = common[module] { return !closed.contains(room) }
        if row.rooms.contains(module) || row.thirdParties.contains(module) { return true }
        return row.isRoot && rows[module] != nil
    }

    private static func tables(in markdown: String) -> [[[String]]] {
        var tables: [[[String]]] = []
        var isInTable = false
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|"), line.hasSuffix("|") else {
                isInTable = false
                continue
            }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map(trim)
            if cells.allSatisfy({ $0.allSatisfy { $0 == "-" } }) { continue }
            if isInTable { tables[tables.count - 1].append(cells) } else { tables.append([cells]) }
            isInTable = true
        }
        return tables
    }

    private static func list(_ cell: String) -> [String] {
        cell.split(separator: ",").map(trim).filter { !$0.isEmpty && $0 != "–" }
    }

    private static func trim(_ text: some StringProtocol) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
