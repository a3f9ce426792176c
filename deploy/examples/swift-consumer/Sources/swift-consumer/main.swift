// Prints every event of the topic once, one JSON object a line.
//
//     swift-consumer BOOTSTRAP [--group NAME] [--once]
//
// With --once it ends when it has read what the topic holds.
import Glibc

func fail(_ text: String, status: Int32) -> Never {
    let line = Array("swift-consumer: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}

var arguments = CommandLine.arguments.dropFirst()
guard let bootstrap = arguments.popFirst() else { fail("give host:port of a broker", status: 2) }
var group = "example-swift"
var endsWithTopic = false
while let argument = arguments.popFirst() {
    switch argument {
    case "--once": endsWithTopic = true
    case "--group":
        guard let name = arguments.popFirst() else { fail("--group needs a name", status: 2) }
        group = name
    default: fail("unknown argument \(argument)", status: 2)
    }
}

do {
    let consumer = try Consumer(bootstrap: bootstrap, group: group, topic: "stepstream.events.v1")
    var seen = Seen()
    var ended: Set<Int32> = []
    while !(endsWithTopic && !ended.isEmpty && ended.count == consumer.assignmentCount) {
        switch try consumer.next() {
        case .nothing: continue
        case .end(let partition): ended.insert(partition)
        case .record(let record):
            let isOurs = record.headers["ce_type"]?.hasPrefix("io.stepstream.") == true
            if isOurs, let id = record.headers["ce_id"]?.split(separator: ":"), id.count == 2,
                let sequence = Int(id[1]),
                seen.isNew(String(id[0]), sequence)
            {
                print(String(decoding: record.value, as: UTF8.self))  // the effect
                fflush(nil)
            }
            try consumer.store(record)
        }
    }
} catch {
    fail("\(error)", status: 1)
}
