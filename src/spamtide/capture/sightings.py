"""Sightings as CSV: ``time,feed,address,network``, one row for each message or session that was seen; ``mark`` besides, where there is one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from spamtide.capture.dates import Dates
from spamtide.capture.sheets import read_sheet


@dataclass(frozen=True, slots=True)
class Sighting:
    """Who was seen when and where. ``address`` is an IPv4 address or an IPv6 /64, ``network`` its /24 or /48 where none is given; ``mark`` may be empty."""

    at: int
    feed: str
    address: str
    network: str
    mark: str


def read_sightings(path: Path) -> list[Sighting]:
    """Rows of a CSV of sightings, in order of time. Raises BadCounts naming the line, OSError when it cannot be read."""
    sheet = read_sheet(path)
    at = {name.strip().lower(): i for i, name in reversed(list(enumerate(sheet.header)))}
    for needed in ("time", "address"):
        if needed not in at:
            raise sheet.bad(
                sheet.first, f"there is no column {needed!r}", "Sightings have the columns time,feed,address,network."
            )
    dates = Dates(sheet, at["time"], None)
    found = []
    for line, cells in sheet.rows:
        text, given = cells[at["address"]].strip(), cells[at["network"]].strip() if "network" in at else ""
        try:
            address = ipaddress.ip_address(text.partition("/")[0])
        except ValueError:
            raise sheet.bad(line, f"{text!r} is no address") from None
        wide = address.version == 6
        unit = str(ipaddress.ip_network((address, 64), strict=False)) if wide else str(address)
        network = given or str(ipaddress.ip_network((address, 48 if wide else 24), strict=False))
        feed = cells[at["feed"]].strip() if "feed" in at else "feed"
        mark = cells[at["mark"]].strip() if "mark" in at else ""
        found.append(Sighting(dates.instant(line, cells), feed, unit, network, mark))
    return sorted(found, key=lambda s: s.at)
