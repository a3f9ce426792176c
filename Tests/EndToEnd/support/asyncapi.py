"""Checks an AsyncAPI 3.0 document by the specification's text, for what ours uses.

PyPI has no package that carries the official meta-schema, so the objects' fields are written down here from
https://www.asyncapi.com/docs/reference/specification/v3.0.0 and the Kafka (0.5.0) and WebSocket (0.1.0) bindings. A
field that the specification does not know is a fault.
"""

import re

import jsonschema

REFERENCE = {"type": "object", "required": ["$ref"], "additionalProperties": False,
             "properties": {"$ref": {"type": "string", "pattern": "^#/"}}}
TEXT = {"type": "string"}
# Keys of maps; a schema that is draft 07 is also one of AsyncAPI's superset.
KEY = "^[A-Za-z0-9_.-]+$"
SCHEMA = {"anyOf": [REFERENCE, {"type": ["object", "boolean"]}]}


def closed(required, **properties) -> dict:
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False,
            "patternProperties": {"^x-": {}}}


def mapping(values) -> dict:
    return {"type": "object", "propertyNames": {"pattern": KEY}, "additionalProperties": values}


SERVER = closed("host protocol", host=TEXT, protocol=TEXT, protocolVersion=TEXT, pathname=TEXT, description=TEXT,
                title=TEXT, summary=TEXT, variables=mapping(closed(
                    "", enum={"type": "array"}, default=TEXT, description=TEXT, examples={"type": "array"})),
                security={"type": "array"}, tags={"type": "array"}, bindings={"type": "object"})
KAFKA_CHANNEL = closed("", topic=TEXT, partitions={"type": "integer", "minimum": 1},
                       replicas={"type": "integer", "minimum": 1}, bindingVersion={"const": "0.5.0"},
                       topicConfiguration={"type": "object", "properties": {
                           "cleanup.policy": {"type": "array", "items": {"enum": ["compact", "delete"]}},
                           "retention.ms": {"type": "integer"}, "retention.bytes": {"type": "integer"},
                           "delete.retention.ms": {"type": "integer"}, "max.message.bytes": {"type": "integer"}}})
WEBSOCKET_CHANNEL = closed("", method={"enum": ["GET", "POST"]}, query=SCHEMA, headers=SCHEMA,
                           bindingVersion={"const": "0.1.0"})
CHANNEL = closed("address", address=TEXT, messages=mapping(REFERENCE), title=TEXT, summary=TEXT, description=TEXT,
                 servers={"type": "array", "items": REFERENCE, "minItems": 1}, tags={"type": "array"},
                 parameters=mapping(closed("", description=TEXT, default=TEXT, enum={"type": "array"}, location=TEXT,
                                           examples={"type": "array"})),
                 bindings=closed("", kafka=KAFKA_CHANNEL, ws=WEBSOCKET_CHANNEL))
OPERATION = closed("action channel", action={"enum": ["send", "receive"]}, channel=REFERENCE, title=TEXT, summary=TEXT,
                   description=TEXT, messages={"type": "array", "items": REFERENCE})
KAFKA_MESSAGE = closed("", key=SCHEMA, schemaIdLocation=TEXT, bindingVersion={"const": "0.5.0"})
MESSAGE = closed("payload", payload=REFERENCE, headers={"type": "object", "properties": {"type": {"const": "object"}}},
                 name=TEXT, title=TEXT, summary=TEXT, description=TEXT, contentType=TEXT, correlationId=REFERENCE,
                 bindings=closed("", kafka=KAFKA_MESSAGE))
DOCUMENT = closed(
    "asyncapi info", asyncapi={"const": "3.0.0"}, id=TEXT, defaultContentType=TEXT,
    info=closed("title version", title=TEXT, version=TEXT, description=TEXT),
    servers=mapping(SERVER), channels=mapping(CHANNEL), operations=mapping(OPERATION),
    components=closed("", messages=mapping(MESSAGE), schemas=mapping({"type": "object"})))


def resolve(document, reference: str):
    value = document
    for part in reference.removeprefix("#/").split("/"):
        value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def check(document: dict) -> None:
    jsonschema.Draft202012Validator(DOCUMENT).validate(document)
    for reference in references(document):
        resolve(document, reference)
    for name, channel in document["channels"].items():
        expected = set(re.findall(r"\{(\w+)\}", channel["address"]))
        assert set(channel.get("parameters", {})) == expected, f"{name}: parameters of {channel['address']}"
    for server in document["servers"].values():
        assert set(server.get("variables", {})) == set(re.findall(r"\{(\w+)\}", server["host"]))
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].startswith("#/channels/")
    messages = document["components"]["messages"]
    schemas = [message[part] for message in messages.values() for part in ("headers",) if part in message]
    schemas += [message["bindings"]["kafka"]["key"] for message in messages.values() if "bindings" in message]
    for schema in [*document["components"]["schemas"].values(), *schemas]:
        # Draft 07 as the specification has it: nothing that a later draft brought.
        jsonschema.Draft7Validator.check_schema(schema)
        assert not {"$schema", "$id", "$defs", "unevaluatedProperties", "prefixItems"} & schema.keys()
