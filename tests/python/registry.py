"""Confluent's Python client on a cluster and a registry, as the test in tests/tests/serdes/ wants it.

It takes one argument, a JSON object with the addresses, the topics and the values. It reads what is
in each topic, writes the same values with its own serialisers behind that, goes through the
registry's interface, and prints what it found as one JSON object. What that must be is in the test.
"""

import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SECONDS = 20


def departure_class():
    """The message class that protoc would make of the file, without protoc."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="departure.proto", package="aero", syntax="proto3"
    )
    airport = file.message_type.add(name="Airport")
    airport.field.add(name="iata", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    departure = file.message_type.add(name="Departure")
    departure.oneof_decl.add(name="_gate")
    for number, name, kind in [
        (1, "flight", kinds.TYPE_STRING),
        (2, "minutes", kinds.TYPE_SINT32),
        (3, "gate", kinds.TYPE_STRING),
    ]:
        field = departure.field.add(
            name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL, json_name=name
        )
        if name == "gate":
            field.oneof_index, field.proto3_optional = 0, True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aero.Departure"))


def from_message(message):
    gate = message.gate if message.HasField("gate") else None
    return {"flight": message.flight, "minutes": message.minutes, "gate": gate}


def formats(client, schemas):
    """For each format what writes a value, and what reads one."""
    departure = departure_class()
    proto_writer = ProtobufSerializer(departure, client)
    proto_reader = ProtobufDeserializer(departure, schema_registry_client=client)
    return {
        "AVRO": (AvroSerializer(client, schemas["AVRO"]), AvroDeserializer(client)),
        "JSON": (
            JSONSerializer(schemas["JSON"], client),
            JSONDeserializer(schemas["JSON"], schema_registry_client=client),
        ),
        "PROTOBUF": (
            lambda value, context: proto_writer(departure(**value), context),
            lambda data, context: from_message(proto_reader(data, context)),
        ),
    }


def read(brokers, topic, count, reader):
    settings = {"bootstrap.servers": brokers, "group.id": "registry.py"}
    # There is nothing to remember.
    consumer = Consumer(settings | {"enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    context, found = SerializationContext(topic, MessageField.VALUE), []
    while len(found) < count:
        message = consumer.poll(SECONDS)
        if message is None:
            raise TimeoutError(f"{topic} has {len(found)} messages, and should have {count}")
        if message.error():
            raise RuntimeError(message.error())
        found.append(reader(message.value(), context))
    consumer.close()
    return found


def write(brokers, topic, values, writer):
    producer = Producer({"bootstrap.servers": brokers})
    context = SerializationContext(topic, MessageField.VALUE)
    for value in values:
        producer.produce(topic, writer(value, context))
    if producer.flush(SECONDS) > 0:
        raise TimeoutError(f"not all messages were delivered to {topic}")


def refusal(request, *arguments, **named):
    """The HTTP status and the error code with which the registry refuses."""
    try:
        return {"not refused": str(request(*arguments, **named))}
    except SchemaRegistryError as error:
        return [error.http_status_code, error.error_code]


def interface(client, subject, schemas):
    """What the client makes of the registry's answers."""
    avro, stricter = Schema(schemas["AVRO"], "AVRO"), Schema(schemas["stricter"], "AVRO")
    found = {}
    first = client.register_schema(subject, avro)
    found["the same again"] = client.register_schema(subject, avro) == first
    found["by id"] = json.loads(client.get_schema(first).schema_str) == json.loads(avro.schema_str)
    found["looked up"] = client.lookup_schema(subject, avro).version
    found["latest"] = client.get_latest_version(subject).version
    found["is listed"] = subject in client.get_subjects()
    found["may follow"] = client.test_compatibility(subject, stricter)
    found["refused"] = refusal(client.register_schema, subject, stricter)
    client.set_compatibility(subject, level="NONE")
    found["level"] = client.get_compatibility(subject)
    client.register_schema(subject, stricter)
    found["versions"] = client.get_versions(subject)
    found["no schema"] = refusal(client.register_schema, subject, Schema("{", "AVRO"))
    found["no subject"] = refusal(client.get_versions, f"{subject}-none")
    found["no version"] = refusal(client.get_version, subject, 77)
    found["no id"] = refusal(client.get_schema, 999_999)
    reference = SchemaReference("aero.Departure", subject, 1)
    board = Schema(schemas["board"], "AVRO", [reference])
    board_id = client.register_schema(f"{subject}-board", board)
    found["references"] = [it.subject for it in client.get_schema(board_id).references]
    found["is referred to"] = refusal(client.delete_version, subject, 1)
    found["permanently at once"] = refusal(client.delete_subject, f"{subject}-board", permanent=True)
    steps = [(f"{subject}-board", False), (f"{subject}-board", True)]
    steps += [(subject, False), (subject, True)]
    found["deleted"] = [client.delete_subject(it, permanent=for_good) for it, for_good in steps]
    found["is gone"] = refusal(client.get_versions, subject)
    return found


def main():
    task = json.loads(sys.argv[1])
    brokers, schemas, values = task["brokers"], task["schemas"], task["values"]
    client = SchemaRegistryClient({"url": task["registry"]})
    found = {"read": {}}
    for name, (writer, reader) in formats(client, schemas).items():
        topic = task["topics"][name]
        found["read"][name] = read(brokers, topic, len(values), reader)
        write(brokers, topic, values, writer)
    found["interface"] = interface(client, task["subject"], schemas)
    guarded = {"url": task["guarded"]}
    found["without a password"] = refusal(SchemaRegistryClient(guarded).get_subjects)
    guarded["basic.auth.user.info"] = task["user"]
    found["with a password"] = SchemaRegistryClient(guarded).get_subjects()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
