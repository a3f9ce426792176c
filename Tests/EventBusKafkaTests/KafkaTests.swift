import Testing

// Everything that talks to a cluster, one after another: the mock clusters share two cores, and one suite counts
// threads and descriptors.
@Suite("Kafka", .serialized)
enum KafkaTests {}
