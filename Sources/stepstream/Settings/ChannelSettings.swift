import ApprovalNotifier
import WorkflowModel
import Yams

/// Reads one entry of `notifier.channels`, with every fault at once; secrets stand in files of their own.
struct ChannelSettings {
    private static let common: Set = ["name", "type", "approvers", "timeout", "allow_private_addresses", "tls_ca"]
    private static let keys: [String: Set<String>] = [
        "webhook": ["url", "url_file", "secret_files"], "slack": ["url_file"],
        "email": ["host", "port", "security", "username", "password_file", "from", "to"],
    ]
    private static let timeouts = Duration.milliseconds(100)...Duration.seconds(60)

    let place: String
    var faults: [String] = []
    private let mapping: Node.Mapping?

    init(_ node: Node, place: String) {
        self.place = place
        mapping = node.mapping
    }

    /// nil where there are faults.
    mutating func channel() -> NotifierConfiguration.Channel? {
        guard let mapping else {
            fault("is not a mapping; give a name, a type and what the type needs")
            return nil
        }
        let name = text("name") ?? ""
        let isName = (1...64).contains(name.utf8.count) && name.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || ($0 < 0x80 && Character(Unicode.Scalar($0)).isLetter)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        if !isName { fault("needs a name of 1 to 64 letters, digits, - and _") }
        let type = text("type") ?? ""
        guard let own = Self.keys[type] else {
            fault("has the type \"\(type)\"; give one of: \(Self.keys.keys.sorted().joined(separator: ", "))")
            return nil
        }
        let known = Self.common.union(own)
        for key in mapping.keys.map({ $0.scalar?.string ?? "" }) where !known.contains(key) {
            fault(
                "unknown setting \"\(key)\" of a channel of type \(type); known are: \(known.sorted().joined(separator: ", "))"
            )
        }
        let outgoing = outgoing()
        let approvers = Set(list("approvers"))
        if mapping["approvers"]?.sequence?.isEmpty == true {
            fault("approvers names nobody; leave it out to tell the channel of every approval")
        }
        guard let kind = kind(type), faults.isEmpty else { return nil }
        return NotifierConfiguration.Channel(name: name, kind: kind, outgoing: outgoing, approvers: approvers)
    }

    private mutating func kind(_ type: String) -> NotifierConfiguration.Kind? {
        switch type {
        case "webhook":
            let secrets = secrets()
            if mapping?["url"] != nil, mapping?["url_file"] != nil {
                fault("has a url and a url_file; give one of them")
            }
            return url().map { .webhook($0, WebhookSignature(secrets: secrets)) }
        case "slack": return url().map { .slack($0) }
        default: return mail().map { .email($0) }
        }
    }

    private mutating func outgoing() -> NotifierConfiguration.Outgoing {
        var outgoing = NotifierConfiguration.Outgoing()
        if let text = text("timeout") {
            if let duration = Duration(parsing: text), Self.timeouts.contains(duration) {
                outgoing.timeout = duration
            } else {
                fault("timeout is \"\(text)\"; give a duration from 100ms to 60s")
            }
        }
        if let text = text("allow_private_addresses") {
            if text == "true" || text == "false" { outgoing.isPrivateAllowed = text == "true" } else {
                fault("allow_private_addresses is \"\(text)\"; give true or false")
            }
        }
        if let file = text("tls_ca") {
            do throws(InputFileError) {
                outgoing.authorities = CertificateAuthorities(
                    pem: try InputFile.bytes(file, bytesMax: InputFile.secretBytesMax))
                if outgoing.authorities == nil { fault("tls_ca: \(file) holds no certificate in PEM") }
            } catch { fault("tls_ca: \(error)") }
        }
        return outgoing
    }

    private mutating func url() -> ReceiverURL? {
        let fromFile = text("url_file").map { secret("url_file", $0) }
        guard let text = fromFile ?? text("url") else {
            fault("has no url_file" + (self.text("type") == "webhook" ? " and no url" : ""))
            return nil
        }
        guard !text.isEmpty else { return nil }
        // The text may be a secret: it is not shown.
        guard let url = ReceiverURL(text) else {
            fault("its URL is not one of http or https without user and fragment")
            return nil
        }
        if !url.isSecure, self.text("tls_ca") != nil { fault("tls_ca is not used by a URL of http; give one of https") }
        return url
    }

    private mutating func secrets() -> [[UInt8]] {
        let files = list("secret_files")
        if !(1...2).contains(files.count) {
            fault("secret_files names the file of the secret, and of another one while it is replaced")
        }
        return files.compactMap { file in
            let text = secret("secret_files", file)
            if text.isEmpty { return nil }
            guard let bytes = WebhookSignature.secret(text) else {
                fault("secret_files: \(file) holds no whsec_ and base64 of 24 to 64 bytes")
                return nil
            }
            return bytes
        }
    }

    private mutating func mail() -> MailConfiguration? {
        let host = text("host") ?? ""
        // The reading of a URL knows what a host is.
        guard ReceiverURL("http://\(host.contains(":") ? "[\(host)]" : host)/") != nil else {
            fault("needs the host of a mail server")
            return nil
        }
        let chosen = text("security") ?? MailConfiguration.Security.startTLS.rawValue
        guard let security = MailConfiguration.Security(rawValue: chosen) else {
            let names = MailConfiguration.Security.allCases.map(\.rawValue).joined(separator: ", ")
            fault("security is \"\(chosen)\"; give one of: \(names)")
            return nil
        }
        var mail = MailConfiguration(
            host: host.lowercased(), port: security.portDefault, security: security, from: text("from") ?? "",
            recipients: list("to"))
        if let port = text("port") {
            if let number = Int(port), (1...65_535).contains(number) { mail.port = number } else {
                fault("port is \"\(port)\"; give a number from 1 to 65535")
            }
        }
        if security == .plaintext, text("tls_ca") != nil { fault("tls_ca is not used by security: none; set security") }
        if !MailConfiguration.isAddress(mail.from) { fault("from is no mail address; give one, such as a@example.org") }
        if mail.recipients.isEmpty { fault("to names nobody; give a list of mail addresses") }
        for address in mail.recipients where !MailConfiguration.isAddress(address) {
            fault("to: \"\(address)\" is no mail address")
        }
        switch (text("username"), text("password_file")) {
        case (let name?, let file?):
            mail.login = MailConfiguration.Login(username: name, password: secret("password_file", file))
            if security == .plaintext {
                fault("a password is not sent without TLS; leave username out or set security")
            }
        case (nil, nil): break
        default: fault("username and password_file go together")
        }
        return mail
    }

    // MARK: values

    /// A value is read where it is needed, so that a fault may be found twice.
    private mutating func fault(_ text: String) {
        let message = "\(place): \(text)"
        if !faults.contains(message) { faults.append(message) }
    }

    private mutating func text(_ key: String) -> String? {
        guard let node = mapping?[key] else { return nil }
        if node.settingText == nil { fault("\(key) is \(node.kind); give a single value") }
        return node.settingText
    }

    private mutating func list(_ key: String) -> [String] {
        guard let node = mapping?[key] else { return [] }
        if let texts = node.sequence.flatMap({ Array($0).texts }) { return texts }
        fault("\(key) is not a list of single values")
        return []
    }

    /// What a file holds, without white space around it; empty, and a fault, when it holds nothing.
    private mutating func secret(_ key: String, _ path: String) -> String {
        do throws(InputFileError) {
            let lines = try InputFile.secret(path).split(whereSeparator: \.isNewline)
            if lines.isEmpty { fault("\(key): \(path) is empty") }
            if lines.count > 1 { fault("\(key): \(path) has \(lines.count) lines; only one can be meant") }
            return lines.first.map(String.init) ?? ""
        } catch {
            fault("\(key): \(error)")
            return ""
        }
    }

    /// As `--print-config` shows it.
    var json: JSONValue {
        let members = (mapping ?? [:]).compactMap { key, value -> (String, JSONValue)? in
            guard let name = key.string else { return nil }
            if let list = value.sequence {
                return (name, .array(list.compactMap { $0.scalar.map { .string($0.string) } }))
            }
            return (name, .string(value.scalar?.string ?? ""))
        }
        return .object(JSONObject(members))
    }
}
