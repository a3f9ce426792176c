import EventBusKafka
import WebServing
import WorkflowModel

/// A file that always holds a current bearer token (a JWT), such as one a platform mounts and renews.
struct TokenFile: Sendable {
    let path: String

    /// What the token says of itself; it is the broker that checks it.
    /// - Throws: `SettingsError` that never shows the token.
    func read() throws -> KafkaBusConfiguration.OAuthToken {
        let token: String
        do throws(InputFileError) { token = try InputFile.secret(path) } catch {
            throw SettingsError(faults: ["kafka.oauth_token_file: \(error)"])
        }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        // RFC 7519: header, claims and signature in base64url; `exp` counts seconds.
        guard parts.count == 3, let claims = Self.claims(parts[1]), let subject = claims["sub"]?.stringValue,
            let expiry = claims["exp"]?.doubleValue, expiry.isFinite, abs(expiry) < 1e12
        else {
            throw SettingsError(faults: ["kafka.oauth_token_file: \(path) holds no JWT with the claims sub and exp"])
        }
        return KafkaBusConfiguration.OAuthToken(
            value: KafkaBusConfiguration.Secret(token), principal: subject, expiresAtMilliseconds: Int64(expiry * 1000))
    }

    private static func claims(_ part: Substring) -> JSONObject? {
        guard let bytes = Base64URL.decode(part) else { return nil }
        return (try? JSONValue(parsing: bytes))?.objectValue
    }
}
