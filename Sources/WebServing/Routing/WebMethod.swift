import HTTPTypes

/// The HTTP methods that routes may have.
package enum WebMethod: String, CaseIterable, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"

    init?(_ method: HTTPRequest.Method) { self.init(rawValue: method.rawValue) }
}
