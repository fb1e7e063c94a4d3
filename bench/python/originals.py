"""What the helpers for JSON batches and lineage replace, in Python with confluent-kafka.

Usage: originals.py json-out|lineage-out|lineage-in SERVERS TOPIC RECORDS

Does one kind of work, and prints the seconds that it took and the most KiB of memory. Building the
client does not count. As in the originals, a pool of four threads takes batches of 100 objects,
envelopes are compressed with snappy, and each batch of 100 has a commit. What the client fetches
ahead is what the helpers set.
"""

import json
import resource
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from confluent_kafka import Consumer, Producer

DIFFERENT = 10_000
BATCH = 100
WORKERS = 4


def departure(number):
    minute = number % (24 * 60)
    return {
        "id": f"WS{number:05}-2026-11-21",
        "flight": f"WS{number:05}",
        "from": "JFK",
        "to": "LAX",
        "gate": number % 60,
        "at": f"2026-11-21T{minute // 60:02}:{minute % 60:02}:00",
    }


DEPARTURES = [departure(number) for number in range(DIFFERENT)]


def lists(records):
    """The departures again and again, in lists of up to DIFFERENT, so many together."""
    while records > 0:
        yield DEPARTURES[:records]
        records -= DIFFERENT


class Reports:
    def __init__(self):
        self.delivered = 0

    def __call__(self, error, message):
        if error is not None:
            raise SystemExit(f"not delivered: {error}")
        self.delivered += 1


def producer(servers, **settings):
    client = Producer({"bootstrap.servers": servers, "acks": "all", **settings})
    client.list_topics(timeout=30)
    return client


def send(client, topic, key, value, report):
    while True:
        try:
            client.produce(topic, value=value, key=key, on_delivery=report)
            return
        except BufferError:
            client.poll(0.1)


def isoformat(value):
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} is no JSON")


def json_out(servers, topic, records):
    client, report = producer(servers), Reports()

    def send_batch(batch):
        for record in batch:
            key = json.dumps(record["id"]) if "id" in record else None
            send(client, topic, key, json.dumps(record, default=isoformat), report)
            client.poll(0)

    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        for records_of_call in lists(records):
            batches = range(0, len(records_of_call), BATCH)
            for done in [
                pool.submit(send_batch, records_of_call[first : first + BATCH]) for first in batches
            ]:
                done.result()
    client.flush(60)
    return time.perf_counter() - started, report.delivered


def pack(service, payload, refs):
    now = datetime.now(timezone.utc).isoformat()
    return json.dumps({"item": payload, "hist": {"svc": service, "dt": now, "refs": refs}})


def lineage_out(servers, topic, records):
    client, report = producer(servers, **{"compression.type": "snappy", "retries": 3}), Reports()
    started = time.perf_counter()
    for messages in lists(records):
        for message in messages:
            send(client, topic, message["id"], pack("bench", message, []), report)
            client.poll(0)
        client.flush(60)
    return time.perf_counter() - started, report.delivered


def lineage_in(servers, topic, records):
    client = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": f"bench-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.min.messages": 10000,
            "fetch.queue.backoff.ms": 5,
            "queued.max.messages.kbytes": 16384,
        }
    )
    client.subscribe([topic])
    started, read, length = None, 0, 0
    while read < records:
        batch = client.consume(num_messages=BATCH, timeout=1.0)
        if not batch:
            continue
        started = started or time.perf_counter()
        messages = []
        for record in batch:
            if record.error() or record.value() is None:
                continue
            envelope = json.loads(record.value())
            ref = {
                "topic": record.topic(),
                "partition": record.partition(),
                "offset": record.offset(),
                "key": record.key().decode(),
                "hist": envelope["hist"],
            }
            messages.append((ref["key"], envelope["item"], [ref]))
        length += sum(len(item["id"]) for _, item, _ in messages)
        read += len(messages)
        client.commit(asynchronous=False)
    took = time.perf_counter() - started
    client.close()
    return took, read


def main():
    work, servers, topic, records = sys.argv[1:]
    does = {"json-out": json_out, "lineage-out": lineage_out, "lineage-in": lineage_in}[work]
    seconds, done = does(servers, topic, int(records))
    if done < int(records):
        raise SystemExit(f"{done} of {records} records are done")
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
