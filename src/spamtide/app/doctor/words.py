"""What the doctor saw, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spamtide.app.doctor.arrivals import span_words
from spamtide.app.output import printable

_STATES = {
    "answers": "a trap of ours answers",
    "silent": "nobody answers",
    "free": "free",
    "taken": "taken by another program",
    "not_allowed": "not allowed",
    "not_here": "no address of this machine",
    "held": "held for the trap by whoever starts it",
}


def seen_lines(seen: Mapping[str, Any]) -> Iterator[str]:
    """A line for each thing that was looked at, in the order of the document."""
    for port in seen["ports"]:
        whose = f" ({printable(port['feed'])}, {port['protocol']})" if port["feed"] else ""
        yield f"port {port['address']}{whose}: {_STATES[port['state']]}"
    for feed in seen["feeds"]:
        if feed["last_received_at"] is not None:
            usual = feed["usual_gap_seconds"]
            known = (
                ""
                if usual is None
                else f"; usually every {span_words(usual)}, at most {span_words(feed['longest_gap_seconds'])}"
            )
            yield f"{printable(feed['feed'])}: last message {span_words(feed['silent_seconds'])} ago{known}"
    for domain in seen["domains"]:
        yield f"domain {printable(domain['domain'])}: {_domain(domain)}"
    yield f"clock: {_clock(seen['clock'])}"
    disk = seen["disk"]
    left = "" if disk["days_left"] is None else f", {disk['days_left']:.0f} days at that pace"
    yield f"disk: {disk['free_bytes'] / 2**30:.1f} GiB free; the last week brought {disk['week_bytes'] / 2**20:.1f} MiB{left}"
    yield f"access: mode {seen['access']['mode']}, {'writable' if seen['access']['writable'] else 'not writable'}"


def _domain(row: Mapping[str, Any]) -> str:
    until = f"until {row['expires']}" if row["expires"] else "expiry not stated"
    state = "live" if row["live"] else "retired"
    if row["mx"] is None:
        return f"{state}, {until}, not looked up (--dns)"
    hosts = [
        f"{'' if h['preference'] is None else h['preference']} {h['host']} ({', '.join(h['addresses']) or 'no address'})"
        for h in row["mx"]
    ]
    return printable(f"{state}, {until}, MX {'; '.join(hosts) or 'none'}", 500)


def _clock(clock: Mapping[str, Any]) -> str:
    if clock["source"] is None:
        return "unknown"
    if not clock["synchronised"]:
        return f"set by nobody ({clock['source']})"
    bound = "" if clock["bound_seconds"] is None else f", off by {clock['bound_seconds'] * 1000:.1f} ms at most"
    return f"{(clock['offset_seconds'] or 0.0) * 1000:+.3f} ms{bound} ({clock['source']})"
