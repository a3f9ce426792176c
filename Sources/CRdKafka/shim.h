// librdkafka 2.0.2 and later, and the few things of it and of Linux that Swift cannot call itself.
#ifndef STEPSTREAM_CRDKAFKA_H
#define STEPSTREAM_CRDKAFKA_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/eventfd.h>

// One record, copied; rd_kafka_producev is variadic, and produceva frees its headers twice before 2.12.
// `headers` is the library's from here on, whatever the outcome.
static inline rd_kafka_resp_err_t crdkafka_produce(
    rd_kafka_t *rk, rd_kafka_topic_t *topic, const void *key, size_t key_bytes, const void *value, size_t value_bytes,
    int64_t timestamp_ms, rd_kafka_headers_t *headers, void *opaque) {
  rd_kafka_resp_err_t code = rd_kafka_producev(
      rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_bytes),
      RD_KAFKA_V_VALUE((void *)value, value_bytes), RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  return code;
}

// Java's partition of a key among as many as `topic_opaque` says; while the topic has another count, one that it has
// not, so that the record fails with _UNKNOWN_PARTITION and never lies where no partitioner looks for it.
static inline int32_t crdkafka_partition(
    const rd_kafka_topic_t *topic, const void *key, size_t key_bytes, int32_t partition_count, void *topic_opaque,
    void *record_opaque) {
  if (partition_count != (int32_t)(intptr_t)topic_opaque) return INT32_MAX;
  return rd_kafka_msg_partitioner_murmur2(topic, key, key_bytes, partition_count, topic_opaque, record_opaque);
}

// A topic to produce to, with the client's own settings, that takes keyed records only while it has `partition_count`
// partitions; NULL with rd_kafka_last_error().
static inline rd_kafka_topic_t *crdkafka_topic_of(rd_kafka_t *rk, const char *name, int32_t partition_count) {
  rd_kafka_topic_conf_t *settings = rd_kafka_default_topic_conf_dup(rk);
  rd_kafka_topic_conf_set_partitioner_cb(settings, crdkafka_partition);
  rd_kafka_topic_conf_set_opaque(settings, (void *)(intptr_t)partition_count);
  return rd_kafka_topic_new(rk, name, settings);
}

// A descriptor for rd_kafka_queue_io_event_enable; -1 with errno.
static inline int crdkafka_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

#endif
