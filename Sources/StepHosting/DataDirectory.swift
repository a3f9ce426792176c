import Glibc

/// Directories that step hosting makes in the data directory.
enum DataDirectory {
    /// Makes the directory and what is missing above it, and checks that it can be written.
    ///
    /// - Parameter mode: of what is made. The unprivileged user of step hosts needs no way in: hosts open what they
    ///   are given before they change to it.
    static func make(_ directory: String, mode: mode_t) throws(HostingError) {
        var path = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: true) {
            path += (path.isEmpty && !directory.hasPrefix("/") ? "" : "/") + part
            if mkdir(path, mode) != 0 && errno != EEXIST && errno != EROFS {
                throw failed(path, "cannot be made")
            }
        }
        guard access(directory, W_OK | X_OK) == 0 else { throw failed(directory, "cannot be written") }
    }

    /// Makes a directory below the data directory and opens it, following no symbolic link on the way: a link there
    /// could have the server work, and remove files, wherever it leads. The data directory itself may be one.
    ///
    /// - Parameter directory: its path, which begins with that of `base`.
    /// - Returns: a descriptor for reading; the caller closes it.
    static func open(_ directory: String, below base: String, mode: mode_t) throws(HostingError) -> Int32 {
        try make(base, mode: mode)
        var at = Glibc.open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard at >= 0 else { throw failed(base, "cannot be opened") }
        var path = base
        for part in directory.dropFirst(base.count).split(separator: "/", omittingEmptySubsequences: true) {
            path += "/" + part
            let above = at
            defer { close(above) }
            if mkdirat(above, String(part), mode) != 0 && errno != EEXIST { throw failed(path, "cannot be made") }
            at = openat(above, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard at >= 0 else {
                let isLink = errno == ELOOP || errno == ENOTDIR
                throw isLink
                    ? HostingError(.dataDirectory, "\(path) is a symbolic link or no directory; remove it")
                    : failed(path, "cannot be opened")
            }
        }
        guard faccessat(at, ".", W_OK | X_OK, 0) == 0 else {
            defer { close(at) }
            throw failed(directory, "cannot be written")
        }
        return at
    }

    private static func failed(_ path: String, _ what: String) -> HostingError {
        HostingError(.dataDirectory, "\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
