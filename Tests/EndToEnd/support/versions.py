"""A broker's oldest request versions, raised to those of Kafka 4, and a look at the requests that come then.

Kafka 4.0 removed old request versions (KIP-896). A client learns of it from the broker's answer to ApiVersions, so a
proxy that raises the minima there shows a client of today what it would see of Kafka 4, from any broker. Written from
the Kafka protocol guide (ApiVersions, Produce, Metadata, record batches).
"""

import struct

PRODUCE, METADATA, OFFSET_COMMIT, API_VERSIONS = 0, 3, 8, 18
UNSUPPORTED_VERSION = 35
CODECS = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}

# API key → oldest version of Kafka 4.0, where it is not 0. Produce has 3, but 4.0 tells clients 0: librdkafka took the
# real floor for a broker without compression (KAFKA-18659). A proxy in front of Kafka may tell 3 all the same.
KAFKA_4 = {1: 4, 2: 1, 8: 2, 9: 1, 11: 2, 19: 2, 20: 1, 23: 2, 29: 1, 30: 1, 31: 1, 32: 1, 34: 1, 35: 1}
SPOKEN = KAFKA_4 | {PRODUCE: 3}
# What the bus does with a broker.
NAMES = {0: "Produce", 1: "Fetch", 2: "ListOffsets", 3: "Metadata", 8: "OffsetCommit", 9: "OffsetFetch",
         10: "FindCoordinator", 11: "JoinGroup", 19: "CreateTopics", 22: "InitProducerId"}


class Floors:
    """What is told, and what came: shared by the connections of a proxy."""

    def __init__(self, told: dict):
        self.told = told
        self.used = {}  # API key → versions of its requests
        self.codecs = set()  # of the batches that were produced
        self.creates_topics = set()  # whether a metadata request lets the broker make topics

    def below(self) -> dict:
        """Requests that Kafka 4 would not have understood."""
        return {key: versions for key, versions in self.used.items() if min(versions) < SPOKEN.get(key, 0)}

    def table(self) -> str:
        return ", ".join(f"{NAMES[key]} {max(versions)}" for key, versions in sorted(self.used.items()) if key in NAMES)


class Session:
    """One connection."""

    def __init__(self, floors: Floors):
        self.floors, self.asked = floors, {}  # correlation id → version of a request for ApiVersions

    def request(self, body: bytes) -> None:
        key, version, correlation = struct.unpack_from(">hhi", body)
        self.floors.used.setdefault(key, set()).add(version)
        if key == API_VERSIONS:
            self.asked[correlation] = version
        elif key == PRODUCE and 3 <= version:
            self.floors.codecs |= codecs(body, version)
        elif key == METADATA and 4 <= version:
            self.floors.creates_topics.add(allows_creation(body, version))

    def response(self, body: bytes) -> bytes:
        version = self.asked.pop(struct.unpack_from(">i", body)[0], None)
        return body if version is None else raised(body, version, self.floors.told)


def raised(body: bytes, version: int, floors: dict) -> bytes:
    """The answer to ApiVersions with each minimum at its floor; its length does not change."""
    answer = bytearray(body)
    error, = struct.unpack_from(">h", body, 4)
    is_flexible = version >= 3 and error != UNSUPPORTED_VERSION
    if is_flexible:
        count, place = unsigned(body, 6)
        count -= 1
    else:
        count, place = struct.unpack_from(">i", body, 6)[0], 10
    for _ in range(count):
        key, least = struct.unpack_from(">hh", body, place)
        struct.pack_into(">h", answer, place + 2, max(least, floors.get(key, 0)))
        place += 6
        if is_flexible:
            place = after_tags(body, place)
    return bytes(answer)


def unsigned(body: bytes, place: int) -> tuple:
    """A variable-length number and the place behind it."""
    value = shift = 0
    while True:
        value |= (body[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not body[place - 1] & 0x80:
            return value, place


def after_tags(body: bytes, place: int) -> int:
    count, place = unsigned(body, place)
    for _ in range(count):
        _, place = unsigned(body, place)
        size, place = unsigned(body, place)
        place += size
    return place


def after_header(body: bytes, is_flexible: bool) -> int:
    """Where the body of a request begins."""
    place = 10 + max(0, struct.unpack_from(">h", body, 8)[0])
    return after_tags(body, place) if is_flexible else place


def allows_creation(body: bytes, version: int) -> bool:
    """`allow_auto_topic_creation` of a metadata request."""
    place = after_header(body, version >= 9)
    if version >= 9:
        count, place = unsigned(body, place)
        for _ in range(max(0, count - 1)):
            place += 16 if version >= 10 else 0  # the topic's id
            size, place = unsigned(body, place)
            place = after_tags(body, place + max(0, size - 1))
    else:
        count, = struct.unpack_from(">i", body, place)
        place += 4
        for _ in range(max(0, count)):
            place += 2 + struct.unpack_from(">h", body, place)[0]
    return bool(body[place])


def codecs(body: bytes, version: int) -> set:
    """How the record batches of a produce request are compressed."""
    is_flexible = version >= 9
    place, found = after_header(body, is_flexible), set()

    def size_of(place, short=False):
        if is_flexible:
            value, place = unsigned(body, place)
            return value - 1, place
        return struct.unpack_from(">h" if short else ">i", body, place)[0], place + (2 if short else 4)

    size, place = size_of(place, short=True)  # the transactional id
    place += max(0, size) + 6  # acks, timeout
    topics, place = size_of(place)
    for _ in range(topics):
        if version >= 13:
            place += 16
        else:
            size, place = size_of(place, short=True)
            place += size
        partitions, place = size_of(place)
        for _ in range(partitions):
            size, place = size_of(place + 4)
            if size > 0:
                # Base offset, length, leader epoch, magic and checksum come before the attributes.
                found.add(CODECS[struct.unpack_from(">h", body, place + 21)[0] & 7])
            place += max(0, size)
            place = after_tags(body, place) if is_flexible else place
        place = after_tags(body, place) if is_flexible else place
    return found
