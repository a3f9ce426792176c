/// The pauses between tries of something that may work later: each twice as long as the one before, up to a limit.
package struct DoublingPause: Hashable, Sendable {
    private let shortest: Duration
    private let longest: Duration
    private var upcoming: Duration

    package init(from shortest: Duration, to longest: Duration) {
        self.shortest = shortest
        self.longest = longest
        upcoming = shortest
    }

    /// The pause before the next try.
    package mutating func next() -> Duration {
        defer { upcoming = min(upcoming * 2, longest) }
        return upcoming
    }

    /// A try has worked: the next pause is the shortest again.
    package mutating func reset() { upcoming = shortest }
}
