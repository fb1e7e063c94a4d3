#!/usr/bin/env python3
"""Makes airports.json from the PyPI package airportsdata.

How to run it, in this directory:

    python3 -m venv /tmp/airports
    /tmp/airports/bin/pip install airportsdata==20260905
    /tmp/airports/bin/python make_airports.py

The same package version gives the same bytes: records are sorted by IATA code, and their fields
keep the order below. Another version would give other airports, so it is refused: raise
AIRPORTSDATA_VERSION, and with it what README.md says about source, date and count.
"""

import json
from importlib.metadata import version
from pathlib import Path

import airportsdata

AIRPORTSDATA_VERSION = "20260905"


def record(airport):
    """One airport under names that say what they hold, units included."""
    elevation = airport["elevation"]
    return {
        "iata": airport["iata"],
        "icao": airport["icao"],
        "name": airport["name"],
        "city": airport["city"],
        "subdivision": airport["subd"],
        "country": airport["country"],
        # The package reads every number as a float; most elevations are whole feet.
        "elevation_ft": int(elevation) if elevation == int(elevation) else elevation,
        "latitude": airport["lat"],
        "longitude": airport["lon"],
        "time_zone": airport["tz"],
    }


def main():
    installed = version("airportsdata")
    if installed != AIRPORTSDATA_VERSION:
        raise SystemExit(
            f"airportsdata {installed} is installed, airports.json is made from "
            f"{AIRPORTSDATA_VERSION}: pip install airportsdata=={AIRPORTSDATA_VERSION}"
        )
    airports = airportsdata.load("IATA")
    lines = [json.dumps(record(airports[iata]), ensure_ascii=False) for iata in sorted(airports)]
    target = Path(__file__).with_name("airports.json")
    target.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{target.name}: {len(lines)} airports")


if __name__ == "__main__":
    main()
