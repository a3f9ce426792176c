import Synchronization

/// Step hosts that answer one question about a plugin each and are ended then: what it offers, what the names of its
/// functions mean. They are no part of the fleet and take no calls.
///
/// Loading a plugin runs its code, and a damaged file kills whoever maps it, so the server never does it itself.
final class ThrowawayHosts: Sendable {
    /// What came of a question, once the process is gone.
    struct Ending: Sendable {
        /// `ready` or `named`; nil when the process ended before it answered.
        var answer: HostReport?
        var death: HostDeath
        /// The end of what the process wrote to stdout and stderr.
        var diagnostics: String?
    }

    private struct Shared {
        /// Numbers apart from those of the fleet's hosts.
        var next: UInt64 = 1 << 40
        var running: [UInt64: Question] = [:]
        var isStopped = false
        /// Resumed when the last process is gone.
        var stopped: [CheckedContinuation<Void, Never>] = []
    }

    private let spawner: HostSpawner
    private let reactor: Reactor
    private let tailBytesMax: Int
    private let shared = Mutex(Shared())

    init(spawner: HostSpawner, reactor: Reactor, tailBytesMax: Int) {
        self.spawner = spawner
        self.reactor = reactor
        self.tailBytesMax = tailBytesMax
    }

    /// Starts a step host with the settings and returns when it is gone. Cancelling the task ends it.
    func ask(_ settings: HostStateMachine.Settings) async -> Ending {
        let question = Question()
        let id: UInt64? = shared.withLock { shared in
            guard !shared.isStopped else { return nil }
            defer { shared.next += 1 }
            shared.running[shared.next] = question
            return shared.next
        }
        guard let id else { return Ending(death: .retired) }
        let ending = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                question.begin(continuation)
                spawner.spawn { [reactor, tailBytesMax] result in
                    switch result {
                    case .success(let descriptors):
                        let host = HostProcess(
                            id: id, descriptors: descriptors, settings: settings, tailBytesMax: tailBytesMax,
                            reactor: reactor, owner: question)
                        reactor.add(host)
                        question.started(host)
                    case .failure(let failure): question.finish(.spawnFailed(failure.message), diagnostics: nil)
                    }
                }
            }
        } onCancel: {
            question.cancel()
        }
        let waiting = shared.withLock { shared in
            shared.running[id] = nil
            guard shared.isStopped, shared.running.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { shared.stopped = [] }
            return shared.stopped
        }
        for continuation in waiting { continuation.resume() }
        return ending
    }

    /// Ends every process and returns when all are gone; a question from now on is answered with `retired`.
    func stop() async {
        let running = shared.withLock { shared in
            shared.isStopped = true
            return Array(shared.running.values)
        }
        for question in running { question.cancel() }
        await withCheckedContinuation { continuation in
            let isDone = shared.withLock { shared in
                if !shared.running.isEmpty { shared.stopped.append(continuation) }
                return shared.running.isEmpty
            }
            if isDone { continuation.resume() }
        }
    }
}

/// One question and the process that is to answer it.
private final class Question: HostOwner {
    private struct Shared {
        var continuation: CheckedContinuation<ThrowawayHosts.Ending, Never>?
        var answer: HostReport?
        var host: HostProcess?
        var isCancelled = false
    }

    private let shared = Mutex(Shared())

    func begin(_ continuation: CheckedContinuation<ThrowawayHosts.Ending, Never>) {
        shared.withLock { $0.continuation = continuation }
    }

    func started(_ host: HostProcess) {
        let isCancelled = shared.withLock { shared in
            // The process may be gone by now, and with it the question.
            if shared.continuation != nil { shared.host = host }
            return shared.isCancelled
        }
        if isCancelled { host.retire() }
    }

    func cancel() {
        let host = shared.withLock { shared in
            shared.isCancelled = true
            return shared.host
        }
        host?.retire()
    }

    func receive(_ report: HostReport, from host: HostProcess) {
        switch report {
        case .ready, .named:
            shared.withLock { $0.answer = report }
            host.retire()
        case .died(let death, _): finish(death, diagnostics: host.diagnostics())
        case .greeted, .finished, .activity, .secretRequested, .slow, .counted, .inspect: break
        }
    }

    func finish(_ death: HostDeath, diagnostics: String?) {
        let (continuation, answer) = shared.withLock { shared in
            defer { (shared.continuation, shared.host) = (nil, nil) }
            return (shared.continuation, shared.answer)
        }
        continuation?.resume(
            returning: ThrowawayHosts.Ending(answer: answer, death: death, diagnostics: diagnostics))
    }
}
