import WebServing
import WorkflowModel

/// The settings under `approvals`: what the links in messages to approvers are made and checked with.
struct ApprovalSettings: Sendable {
    /// Makes and checks links; nil without `link_key_file`: there are no links then.
    var links: ApprovalLinks?
    /// Where `links` has its key from.
    var linkKeyPath: String?
    /// What approvers reach the orchestrator by, without a slash at the end, such as `https://flows.example.org`.
    var publicURL: String?

    /// Of the pages that links lead to: behind a proxy another than the listener's own.
    var publicOrigin: String? {
        guard let publicURL, let scheme = publicURL.firstRange(of: "://") else { return nil }
        return String(publicURL[..<scheme.upperBound] + publicURL[scheme.upperBound...].prefix { $0 != "/" })
            .lowercased()
    }

    static let keys: Set = ["link_key_file", "public_url"]

    init() {}

    init(_ source: SettingsSource, _ faults: inout [String]) {
        let source = source.grouped("approvals", keys: Self.keys, &faults)
        if let file = source.text(nil, "link_key_file", &faults) {
            linkKeyPath = file.value
            links = Self.links(path: file.value, setting: file.source, &faults)
        }
        if let url = source.text(nil, "public_url", &faults) {
            publicURL = url.value.hasSuffix("/") ? String(url.value.dropLast()) : url.value
            if !ServerAddress.isURL(url.value) {
                faults.append("\(url.source) is \"\(url.value)\"; give a URL such as https://flows.example.org")
            }
        }
    }

    /// The file's bytes are the key, but for line ends after it, which editors and `echo` leave.
    private static func links(path: String, setting: String, _ faults: inout [String]) -> ApprovalLinks? {
        var key: [UInt8]
        do throws(InputFileError) { key = try InputFile.bytes(path, bytesMax: InputFile.secretBytesMax) } catch {
            faults.append("\(setting): \(error)")
            return nil
        }
        while key.last == 0x0A || key.last == 0x0D { key.removeLast() }
        guard key.count >= ApprovalLinks.keyBytesMin else {
            faults.append(
                "\(setting): \(path) holds \(key.count) bytes; a key has at least \(ApprovalLinks.keyBytesMin), such as "
                    + "openssl rand -base64 48 writes")
            return nil
        }
        return ApprovalLinks(key: key)
    }

    /// As `--print-config` shows them: the key's file, never the key.
    var json: JSONValue {
        [
            "link_key_file": linkKeyPath.map { .string($0) } ?? .null,
            "public_url": publicURL.map { .string($0) } ?? .null,
        ]
    }
}
