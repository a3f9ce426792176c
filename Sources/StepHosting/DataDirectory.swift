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
                throw HostingError(.dataDirectory, "\(path) cannot be made: \(String(cString: strerror(errno)))")
            }
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw HostingError(
                .dataDirectory, "\(directory) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
