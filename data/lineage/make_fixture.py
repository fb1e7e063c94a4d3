#!/usr/bin/env python3
"""Lineage envelopes as Python writes them, and a reader that says what Python reads.

    python3 make_fixture.py > python.jsonl     writes the fixture, the same bytes each time
    python3 make_fixture.py read < envelopes   reads one envelope in each line and prints its parts

Needs nothing but Python's own library.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone.utc)
DEEPEST = 100


def hist(service, seconds, refs, zone=timezone.utc):
    at = (NOON + timedelta(seconds=seconds)).astimezone(zone)
    return {"svc": service, "dt": at.isoformat(), "refs": refs}


def ref(topic, partition, offset, key, history):
    return {"topic": topic, "partition": partition, "offset": offset, "key": key, "hist": history}


def nested(levels):
    history = hist("stage-1", 0, [])
    for level in range(2, levels + 1):
        history = hist(f"stage-{level}", level, [ref("stages", 0, level - 1, "k", history)])
    return history


def envelopes():
    airport = ref("airports", 2, 1016, "JFK", hist("airports", -60, []))
    departure = ref("departures", 0, 7, "WS042", hist("departures", -30, []))
    yield {"item": {"gate": 7, "late": None, "share": 0.1}, "hist": hist("boards", 0, [])}
    yield {"item": "Zürich ✈ \"quoted\"\n", "hist": hist("städte", 0, [airport, departure])}
    # A whole second has no fraction in Python, and the zone is not always UTC.
    on_the_second = {"svc": "boards", "dt": "2026-11-21T13:00:00+01:00", "refs": [airport]}
    yield {"item": [1, 2, 3], "hist": on_the_second}
    # Older versions wrote a single object in place of the list.
    yield {"item": {}, "hist": {**hist("boards", 1, []), "refs": departure}}
    yield {"item": 18446744073709551615, "hist": hist("boards", 2, [ref("t", 0, 0, None, None)])}
    yield {"item": {"deep": True}, "hist": nested(DEEPEST)}
    yield {"item": {"deeper": True}, "hist": nested(DEEPEST + 20)}


def read(text):
    """What a Python service sees of an envelope: the item, and a row for each level of the history.

    A row is the level, then the ref's fields (none at level 1), the service, and the time in
    microseconds. Nested output would be deeper than other JSON readers allow.
    """
    envelope = json.loads(text)
    rows = []

    def add(level, place, history):
        if history is None:
            rows.append([level, *place, None, None])
            return
        at = datetime.fromisoformat(history["dt"]).astimezone(timezone.utc)
        us = (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
        rows.append([level, *place, history["svc"], us])
        refs = history["refs"]
        for one in [refs] if isinstance(refs, dict) else refs:
            place = [one[name] for name in ("topic", "partition", "offset", "key")]
            add(level + 1, place, one["hist"])

    add(1, [None] * 4, envelope["hist"])
    return {"item": envelope["item"], "rows": rows}


if __name__ == "__main__":
    if sys.argv[1:] == ["read"]:
        for line in sys.stdin:
            print(json.dumps(read(line)))
    else:
        for envelope in envelopes():
            print(json.dumps(envelope))
