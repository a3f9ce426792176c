import Glibc
import NIOPosix
import StepABI

/// Starts step hosts from one thread that lives as long as hosting does.
///
/// The parent-death signal of a process belongs to the *thread* that started it: were that thread to end, so would
/// every host.
final class HostSpawner: Sendable {
    struct Failure: Error { var message: String }

    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let path: String
    private let arguments: [String]
    private let folders: HostFolders
    /// Nil when hosts have no user of their own: the server is not root, or plugins were granted files.
    private let users: HostUsers?
    /// Nothing of the server's environment reaches a plugin.
    ///
    /// glibc reserves 64 MiB of addresses for each arena, up to eight for each core, whatever the address limit.
    private static let environment = [
        "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "SWIFT_BACKTRACE=enable=no", "MALLOC_ARENA_MAX=8",
    ]
    /// Above the numbers the new process gets its own on.
    private static let descriptorMin: Int32 = 10

    init(configuration: HostingConfiguration, folders: HostFolders) {
        self.folders = folders
        // Files that plugins were granted belong to one user, whichever host made them: then the hosts share one.
        let hasOwnUser = geteuid() == 0 && configuration.confinement.writablePaths.isEmpty
        users = hasOwnUser ? HostUsers(configuration.confinement.users) : nil
        path = configuration.stepHostPath
        arguments = configuration.stepHostArguments(hasOwnUser: users != nil) + ["--parent-pid", String(getpid())]
    }

    func start() { thread.start() }

    /// Ends the thread. Every host is gone by now.
    func stop() async {
        do { try await thread.shutdownGracefully() } catch {
            // Only a second shutdown throws; the thread is gone either way.
        }
    }

    /// Starts a process; `done` is called on the spawning thread.
    func spawn(_ done: @escaping @Sendable (Result<HostProcess.Descriptors, Failure>) -> Void) {
        thread.submit { state in
            guard state == .active else { return done(.failure(Failure(message: "hosting is stopping"))) }
            done(Result { () throws(Failure) in try self.start() })
        }
    }

    private func start() throws(Failure) -> HostProcess.Descriptors {
        var user: HostUsers.Lease?
        if let users {
            user = users.take()
            if user == nil { throw Failure(message: "every user for step hosts is taken") }
        }
        do throws(Failure) {
            let folder = HostFolder(path: try folders.make(), folders: folders)
            do throws(Failure) {
                let identity = user.map { ["--uid", String($0.id)] } ?? []
                return try start([path] + identity + arguments + ["--tmp", folder.path], folder: folder, user: user)
            } catch {
                folder.remove()
                throw error
            }
        } catch {
            user?.end()
            throw error
        }
    }

    private func start(
        _ arguments: [String], folder: HostFolder, user: HostUsers.Lease?
    ) throws(Failure) -> HostProcess.Descriptors {
        var open: [Int32] = []
        defer { for descriptor in open { close(descriptor) } }
        func pair(_ make: (UnsafeMutablePointer<Int32>) -> Int32, _ what: String) throws(Failure) -> (Int32, Int32) {
            var ends: [Int32] = [-1, -1]
            guard ends.withUnsafeMutableBufferPointer({ $0.baseAddress.map(make) }) == 0 else { throw failure(what) }
            open += ends
            var raised: [Int32] = []
            for end in ends {
                let high = fcntl(end, F_DUPFD_CLOEXEC, Self.descriptorMin)
                guard high >= 0 else { throw failure(what) }
                open.append(high)
                raised.append(high)
            }
            return (raised[0], raised[1])
        }
        let streamKind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let channel = try pair({ socketpair(AF_UNIX, streamKind, 0, $0) }, "a socket pair")
        let out = try pair({ step_pipe_create($0) }, "a pipe")
        let err = try pair({ step_pipe_create($0) }, "a pipe")

        var process: pid_t = 0
        let error = withCStrings(arguments) { arguments in
            withCStrings(Self.environment) { environment in
                step_spawn(path, arguments, environment, channel.1, out.1, err.1, &process)
            }
        }
        guard error == 0 else { throw Failure(message: "\(path): \(String(cString: strerror(error)))") }
        let pidfd = step_pidfd_open(process)
        guard pidfd >= 0 else {
            let failed = failure("a process descriptor")
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
            throw failed
        }
        let kept = [channel.0, out.0, err.0]
        for descriptor in kept { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        open.removeAll { kept.contains($0) }
        folder.mark(process: process)
        return HostProcess.Descriptors(
            process: process, pidfd: pidfd, channel: channel.0, out: out.0, err: err.0, folder: folder, user: user)
    }

    private func failure(_ what: String) -> Failure {
        Failure(message: "no \(what) for a step host: \(String(cString: strerror(errno)))")
    }
}

/// Calls `body` with the strings as a C array that ends with NULL.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has an address") }
        return body(base)
    }
}
