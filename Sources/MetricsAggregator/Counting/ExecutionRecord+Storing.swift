import WorkflowModel

/// An ended execution takes some twenty bytes: its final sequence, when it was and its partition.
extension ExecutionRecord {
    var stored: [UInt8] {
        var writer = StoredWriter()
        writer.count(isWhole ? 0 : 1)
        writer.count(partition)
        writer.signed(lastTime.microseconds)
        if isWhole {
            writer.count(final ?? 0)
            return writer.bytes
        }
        writer.text(workflow)
        seen.write(to: &writer)
        writer.optional(final) { $0.count($1) }
        writer.optional(startedAt) { $0.signed($1.microseconds) }
        writer.optional(outcome) { writer, outcome in
            writer.count(outcome.status.place)
            writer.signed(outcome.time.microseconds)
        }
        writer.list(steps) { writer, step in
            writer.text(step.name)
            writer.optional(step.function) { $0.text($1) }
            writer.list(step.results) { writer, result in
                writer.unsigned(result.durationMicroseconds)
                writer.unsigned(result.queuedMicroseconds)
                writer.optional(result.code) { $0.text($1) }
            }
            writer.unsigned(step.retries)
            writer.count(step.isFinished ? 1 : 0)
        }
        writer.list(approvals) { $0.text($1) }
        return writer.bytes
    }

    init(stored bytes: [UInt8]) throws(StoredFault) {
        var reader = StoredReader(bytes)
        let isWhole = try reader.count() == 0
        self.init(partition: try reader.count(), workflow: "")
        lastTime = try reader.time()
        if isWhole {
            let last = try reader.count()
            guard last > 0 else { throw StoredFault() }
            seen = SequenceSet(through: last)
            final = last
            return
        }
        workflow = try reader.text()
        seen = try SequenceSet(&reader)
        final = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in try reader.count() }
        startedAt = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in try reader.time() }
        outcome = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
            Outcome(status: try reader.choice(), time: try reader.time())
        }
        steps = try reader.list { (reader: inout StoredReader) throws(StoredFault) in
            var step = Step(name: try reader.text())
            step.function = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
                try reader.text()
            }
            step.results = try reader.list { (reader: inout StoredReader) throws(StoredFault) in
                let (duration, queued) = (try reader.unsigned(), try reader.unsigned())
                let code = try reader.optional { (reader: inout StoredReader) throws(StoredFault) in
                    try reader.text()
                }
                return StepResult(durationMicroseconds: duration, queuedMicroseconds: queued, code: code)
            }
            step.retries = try reader.unsigned()
            step.isFinished = try reader.count() == 1
            return step
        }
        approvals = try reader.list { (reader: inout StoredReader) throws(StoredFault) in try reader.text() }
    }
}
