import Hummingbird
import Logging
import NIOCore

/// What the server framework gives with each request.
struct WebContext: InitializableFromSource {
    let channel: any Channel
    let logger: Logger
    let requestID: String

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
        requestID = RequestID().description
    }
}
