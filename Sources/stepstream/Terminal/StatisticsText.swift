import WorkflowModel

/// `stepstream stats` for people.
enum StatisticsText {
    static func lines(_ statistics: JSONValue) -> [String] {
        var lines = [
            "events up to \(statistics["up_to"]?.stringValue ?? "–"), "
                + "\(statistics["lag_events"]?.intValue.map(String.init) ?? "?") not counted yet"
        ]
        for window in statistics["windows"]?.arrayValue ?? [] {
            lines += ["", "last \(window["window"]?.stringValue ?? "")"]
            let runs = (window["workflows"]?.arrayValue ?? []).map { run in
                [
                    text(run, "workflow"), text(run, "finished"), percent(run["success_rate"]), text(run, "failed"),
                    text(run, "cancelled"),
                ] + durations(run)
            }
            guard !runs.isEmpty else {
                lines.append("  no execution ended")
                continue
            }
            lines += table(["workflow", "finished", "success", "failed", "cancelled"] + percentiles, runs)
            let steps = (window["slowest_steps"]?.arrayValue ?? []).map { step in
                ["\(text(step, "workflow")) / \(text(step, "step"))", text(step, "finished")] + durations(step)
            }
            if !steps.isEmpty { lines += table(["slowest steps", "finished"] + percentiles, steps) }
            let codes = (window["error_codes"]?.arrayValue ?? []).map { [text($0, "code"), text($0, "count")] }
            if !codes.isEmpty { lines += table(["error codes", "count"], codes) }
        }
        return lines
    }

    private static let percentiles = ["p50 ms", "p95 ms", "p99 ms"]

    private static func durations(_ item: JSONValue) -> [String] {
        ["p50", "p95", "p99"].map { text(item["duration_ms"] ?? .null, $0) }
    }

    private static func percent(_ rate: JSONValue?) -> String {
        guard let rate = rate?.doubleValue else { return "–" }
        // 99.96 % is not all of them.
        return JSONValue.double((rate * 1000).rounded(.down) / 10).encodedText + " %"
    }

    private static func text(_ value: JSONValue, _ key: String) -> String {
        guard let member = value[key], !member.isNull else { return "–" }
        // Columns are measured as they are shown.
        return VisibleText.escaped(member.stringValue ?? member.encodedText)
    }

    /// The first column to the left, numbers to the right.
    private static func table(_ head: [String], _ rows: [[String]]) -> [String] {
        let widths = head.indices.map { column in ([head] + rows).map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        return ([head] + rows).map { row in
            "  "
                + row.indices.map { column in
                    let space = String(repeating: " ", count: widths[column] - DisplayWidth.of(row[column]))
                    return column == 0 ? row[column] + space : space + row[column]
                }.joined(separator: "  ")
        }
    }
}
