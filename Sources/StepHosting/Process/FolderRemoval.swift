import Glibc

/// Removes folders that an untrusted process filled: whatever their depth, with two descriptors, following no link.
enum FolderRemoval {
    /// Entries looked at in one go.
    private static let batchMax = 4_096

    /// Removes `name` in the directory `top`, which only this process writes to. What cannot be removed stays.
    static func remove(_ folder: String, in top: Int32) { remove(Array(folder.utf8CString), in: top) }

    private static func remove(_ folder: [CChar], in top: Int32) {
        var pending = [folder]
        var moved = 0
        while let name = pending.popLast() {
            guard unlinkat(top, name, 0) != 0, unlinkat(top, name, AT_REMOVEDIR) != 0 else { continue }
            if geteuid() != 0 { _ = fchmodat(top, name, 0o700, 0) }
            let directory = openat(top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard directory >= 0 else { continue }
            defer { close(directory) }
            var isProgressing = true
            while isProgressing {
                isProgressing = false
                for entry in names(in: directory, max: batchMax) {
                    if unlinkat(directory, entry, 0) == 0 || unlinkat(directory, entry, AT_REMOVEDIR) == 0 {
                        isProgressing = true
                        continue
                    }
                    // A full directory is lifted to the top instead of descended into, so that depth costs nothing.
                    if geteuid() != 0 { _ = fchmodat(directory, entry, 0o700, 0) }
                    moved += 1
                    let lifted = folder.dropLast() + Array(".\(moved)".utf8CString)
                    guard renameat(directory, entry, top, lifted) == 0 else { continue }
                    isProgressing = true
                    pending.append(lifted)
                }
            }
            _ = unlinkat(top, name, AT_REMOVEDIR)
        }
    }

    /// Removes everything in the directory `top`.
    static func removeAll(in top: Int32) {
        for name in names(in: top, max: .max) { remove(name, in: top) }
    }

    /// At most `max` entries of a directory, from its beginning; as bytes, which need not be UTF-8.
    static func names(in directory: Int32, max: Int) -> [[CChar]] {
        // Of its own description, so that reading starts at the beginning each time.
        let own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0, let handle = fdopendir(own) else {
            if own >= 0 { close(own) }
            return []
        }
        defer { closedir(handle) }
        var names: [[CChar]] = []
        while names.count < max, let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            let dot = CChar(bitPattern: UInt8(ascii: "."))
            if name != [dot, 0] && name != [dot, dot, 0] { names.append(name) }
        }
        return names
    }
}
