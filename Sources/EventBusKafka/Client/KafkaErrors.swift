import CRdKafka
import EventBus

/// librdkafka's and the broker's error codes as `BusError`s that name the setting to change.
enum KafkaErrors {
    static func error(_ code: rd_kafka_resp_err_t, _ context: String = "") -> BusError {
        let name = String(cString: rd_kafka_err2str(code))
        let text = context.isEmpty || context == name ? name : "\(name): \(context)"
        switch code {
        case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE:
            // Which of these is meant shows only in the library's text.
            let isProtocol = ["SSL", "SASL", "security.protocol"].contains { text.contains($0) }
            let hint =
                text.contains("certificate")
                ? " (check kafka.tls_ca: does it verify the broker's certificate?)"
                : isProtocol
                    ? " (check kafka.security: is it what the broker's listener speaks? and does the listener ask for "
                        + "kafka.tls_certificate and kafka.tls_key?)"
                    : ""
            return BusError(.unavailable, "no broker of kafka.bootstrap can be reached: \(text)\(hint)")
        case RD_KAFKA_RESP_ERR__SSL:
            return BusError(
                .configuration,
                "no TLS with the broker: \(text) (check kafka.security, kafka.tls_ca, kafka.tls_certificate and "
                    + "kafka.tls_key)")
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
            return BusError(
                .configuration,
                "the broker does not accept who we are: \(text) (check kafka.security, kafka.sasl_mechanism, "
                    + "kafka.sasl_username and kafka.sasl_password, or kafka.oauth_token_file)")
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            return BusError(
                .configuration, "kafka.sasl_username or the certificate's owner lacks a permission: \(text)")
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            return BusError(
                .eventTooLarge,
                "\(text) (raise message.max.bytes in kafka.properties, or max.message.bytes of the topic, to at least "
                    + "100000: an event has up to 64 KiB)")
        case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            return BusError(.configuration, "\(text) (check kafka.partitions against the topic's)")
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
            return BusError(.configuration, "\(text) (create the topic or allow kafka.create_topics)")
        case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
            return BusError(.configuration, "\(text) (check kafka.replication against the number of brokers)")
        case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
            return BusError(.groupTaken, "another process of the same member name took this one's place: \(text)")
        case RD_KAFKA_RESP_ERR__DESTROY: return BusError(.closed, text)
        default: return BusError(.unavailable, text)
        }
    }

    /// "Timed out" hides why there was no connection; `reason` is what the client said of it last.
    static func explained(_ error: BusError, by reason: BusError?) -> BusError {
        guard error.code == .unavailable, let reason else { return error }
        if reason.code == .configuration { return reason }
        return BusError(error.code, error.message, cause: reason)
    }

    /// What `rd_kafka_new` says, with the setting it speaks of.
    static func creation(_ text: String) -> BusError {
        let hint =
            switch text {
            case _ where text.contains("ssl.ca"): "kafka.tls_ca: "
            case _ where text.contains("ssl.certificate"): "kafka.tls_certificate: "
            case _ where text.contains("ssl.key"): "kafka.tls_key: "
            case _ where text.contains("sasl"): "kafka.sasl_mechanism: "
            default: ""
            }
        return BusError(.configuration, "\(hint)\(text)")
    }

    static func check(_ code: rd_kafka_resp_err_t, _ context: String = "") throws(BusError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw error(code, context) }
    }
}
