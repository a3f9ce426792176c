"""The reference for partitions: murmur2 as Apache Kafka's Java client has it (org.apache.kafka.common.utils.Utils)."""


def murmur2(data: bytes) -> int:
    """The signed 32-bit hash."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for place in range(0, whole, 4):
        k = int.from_bytes(data[place:place + 4], "little")
        k = k * m & mask
        k ^= k >> 24
        k = k * m & mask
        h = h * m & mask ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h ^= h >> 13
    h = h * m & mask
    h ^= h >> 15
    return h - (1 << 32) if h >> 31 else h


def partition(key: bytes, count: int) -> int:
    """Where Java's default partitioner puts a keyed record."""
    return (murmur2(key) & 0x7FFFFFFF) % count
