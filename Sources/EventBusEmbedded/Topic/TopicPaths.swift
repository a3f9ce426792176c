/// Where a data directory keeps one topic.
struct TopicPaths: Sendable {
    var directory: String
    var name: String

    init(dataDirectory: String, name: String) {
        directory = dataDirectory + "/topics"
        self.name = name
    }

    var database: String { "\(directory)/\(name).sqlite" }
    var lock: String { "\(directory)/\(name).lock" }
    var socketName: String { "\(name).sock" }
}
