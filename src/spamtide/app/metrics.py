"""The trap's metrics, by the catalogue below, in the text format of Prometheus (version 0.0.4). docs/reference/metrics.md lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "spamtide_trap_"


@dataclass(frozen=True, slots=True)
class Metric:
    """One name: its kind, what it means, and where its values come from: (value of ``label``, count or gauge of that name)."""

    name: str
    kind: str
    meaning: str
    sources: tuple[tuple[str, str], ...]
    label: str = ""


def _one(name: str, kind: str, source: str, meaning: str) -> Metric:
    return Metric(name, kind, meaning, (("", source),))


# Counters count from the start of the process. Names of sources with a dot are gauges of this process, the others counts of the kernel.
METRICS = (
    _one("connections_total", "counter", "accepted", "Connections that were let in."),
    _one("sessions_total", "counter", "sessions", "Sessions that ended."),
    _one("messages_total", "counter", "messages", "Messages that are on disk and were acknowledged."),
    _one("unfinished_total", "counter", "unfinished", "Messages whose session ended within them, on disk."),
    _one("bytes_total", "counter", "bytes", "Bytes of both."),
    _one("recipients_total", "counter", "recipients", "Accepted recipients of acknowledged messages."),
    Metric("replies_total", "counter", "Replies by class.", tuple((f"{n}xx", f"replies_{n}xx") for n in "2345"), "class"),
    Metric(
        "refused_total",
        "counter",
        "What we refused, by reason: messages for want of room on disk or since nobody knows whether they are on it, connections "
        "beyond the bound of one address or of all, sessions ended to make room or since they were too slow, recipients that bounce, sessions of trusted relays without a good PROXY header.",
        (
            ("disk_full", "put_off_full"), ("store_failed", "put_off_failed"), ("per_address", "refused_per_address"),
            ("connections", "refused_total"), ("shed", "shed"), ("slow", "timed_out"), ("bouncing", "bounced"), ("unproxied", "unproxied"),
        ),
        "reason",
    ),
    _one("looks_total", "counter", "looked", "Connections by which a relay only looked whether the trap is there."),
    _one("no_room_total", "counter", "no_room", "Replies 4xx that anybody would have got: what is taken off the exposure."),
    _one("tls_handshakes_total", "counter", "tls", "Handshakes done."),
    _one("tls_failed_total", "counter", "tls_failed", "Sessions whose handshake failed."),
    _one("writes_total", "counter", "batches", "Writes, each with one fdatasync."),
    _one("dropped_events_total", "counter", "dropped_events", "Events of the log that nobody fetched in time."),
    Metric("fsync_seconds", "histogram", "How long each fdatasync took that was followed by 250.", (("", "own.syncs"),)),
    _one("connections_open", "gauge", "connected", "Sessions open now."),
    _one("commit_queue", "gauge", "waiting", "Messages with the store now, not answered yet."),
    _one("last_message_timestamp_seconds", "gauge", "own.last_message", "When the last message came to disk; none before the first."),
    _one("start_timestamp_seconds", "gauge", "own.started", "When the trap began to take connections."),
    _one("draining", "gauge", "own.draining", "1 once a stop was asked for."),
    _one("journal_waiting", "gauge", "own.journal", "Entries of the journal that are not written yet."),
    _one("disk_free_bytes", "gauge", "own.disk_free", "Free on the disk of the archive."),
    _one("disk_low_water_bytes", "gauge", "own.disk_low", "Below so much MAIL is answered 452."),
    _one("clock_synchronised", "gauge", "own.clock_synchronised", "Whether the kernel says that somebody sets the clock."),
    _one("clock_offset_seconds", "gauge", "own.clock_offset", "This clock less the true time, as far as the kernel knows."),
    _one("clock_error_bound_seconds", "gauge", "own.clock_bound", "It is off by no more."),
    Metric("info", "gauge", "1, with the persona and the version as labels.", (("", "own.info"),), "persona, version"),
)  # fmt: skip


def render(feed: str, counts: Mapping[str, int], own: Mapping[str, Any]) -> str:
    """One page. ``own`` has the sources with a dot, without ``own.``; None is a value nobody knows, and has no line."""
    return "".join(line + "\n" for metric in METRICS for line in _lines(metric, feed, counts, own))


def _lines(metric: Metric, feed: str, counts: Mapping[str, int], own: Mapping[str, Any]) -> Iterator[str]:
    name = PREFIX + metric.name
    yield f"# HELP {name} {metric.meaning}"
    yield f"# TYPE {name} {metric.kind}"
    for labelled, source in metric.sources:
        value: Any = own[source.removeprefix("own.")] if source.startswith("own.") else counts[source]
        if value is None:
            continue
        labels = {"feed": feed}
        if metric.kind == "histogram":
            yield from _histogram(name, labels, value)
        elif isinstance(value, dict):
            yield f"{name}{_labels(labels | value)} 1"
        else:
            yield f"{name}{_labels(labels | ({metric.label: labelled} if labelled else {}))} {_number(value)}"


def _histogram(name: str, labels: Mapping[str, str], value: Mapping[str, Any]) -> Iterator[str]:
    bounds: Sequence[float] = value["bounds"]
    so_far = 0
    for bound, count in zip([*map(_number, bounds), "+Inf"], value["counts"], strict=True):
        so_far += count
        yield f"{name}_bucket{_labels({**labels, 'le': bound})} {so_far}"
    yield f"{name}_sum{_labels(labels)} {_number(value['seconds'])}"
    yield f"{name}_count{_labels(labels)} {so_far}"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = (f'{k}="{_escaped(v)}"' for k, v in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float | bool) -> str:
    return repr(value) if isinstance(value, float) else str(int(value))
