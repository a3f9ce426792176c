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

// A descriptor for rd_kafka_queue_io_event_enable; -1 with errno.
static inline int crdkafka_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

#endif
