"""The header's template: in which order a program writes its fields, and the patterns of those that it makes up.

Judo's second half (Pitsillidis et al., NDSS 2010). The body's template follows the customer, the header's the engine that
sends: the same for all its campaigns, often. Fields that receivers add are left out, so the order is the sender's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from spamtide.campaign.template.matching import column, matches
from spamtide.campaign.template.sample import SIZE
from spamtide.campaign.template.shape import MAX_VALUE, Shape, shapes
from spamtide.campaign.template.values import HeldBack, Refusal, wilson

NEEDED = 5
FIELDS = ("From", "Message-ID", "Date", "boundary", "X-Mailer", "User-Agent", "X-Priority", "MIME-Version")
_MAX_BYTES = 65_536
_MAX_FIELDS = 100
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.S)
_BOUNDARY = re.compile(r"boundary[ \t]*=[ \t]*(?:\"([^\"]*)\"|([^\s;]+))", re.I)
# Written on the way or at the receiver, never by the sender's program.
_ADDED = re.compile(
    r"received|return-path|delivered-to|envelope-to|x-original-to|x-envelope-.*|x-spam-.*|x-virus-.*|status|x-status|x-keywords|x-uid"
    r"|authentication-results|arc-.*|received-spf|dkim-filter|x-google-.*|x-received|lines|content-length",
    re.I,
)


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A field: its patterns, the share of messages that have it, one expression of its whole value, and what was held back.

    ``boundary`` is that of Content-Type.
    """

    name: str
    shapes: tuple[Shape, ...]
    share: float
    regex: str
    held_back: HeldBack


@dataclass(frozen=True, slots=True)
class HeaderTemplate:
    """The order of the fields, as most messages write them, and the fields' patterns.

    ``order_share``: messages that keep to the order, whatever they leave out of it or have besides.
    """

    order: tuple[str, ...]
    order_share: float
    fields: tuple[HeaderField, ...]
    distinct: int

    @property
    def text(self) -> str:
        """To read: the order, then a field a line."""
        lines = [f"[{100 * self.order_share:.0f} %] " + " ".join(self.order)]
        for one in self.fields:
            lines += [
                f"{one.name}: {shape.text}" + (f" [{100 * shape.share:.0f} %]" if len(one.shapes) > 1 else "")
                for shape in one.shapes
            ]
        return "\n".join(lines)


def infer_headers(members: Sequence[bytes]) -> HeaderTemplate | Refusal:
    """The header template of messages of one campaign or engine, given as raw bytes (what follows the header is not read).

    Needs five distinct headers; at most 200 are read, those with the lowest digests; every fifth is held back. A function
    of the set. A ``Refusal`` ``too_few``. Never raises for any bytes.
    """
    distinct = sorted({_head(m) for m in members}, key=lambda h: blake2b(h).digest())
    if len(distinct) < NEEDED:
        return Refusal("too_few", {"distinct": NEEDED}, {"distinct": len(distinct)})
    read = [_fields(h) for h in distinct[:SIZE]]
    orders = Counter(tuple(name for name, _ in fields if not _ADDED.fullmatch(name)) for fields in read)
    order = min(orders, key=lambda names: (-orders[names], names))
    count = sum(n for names, n in orders.items() if _keeps(names, order))
    found = [f for name in FIELDS if (f := _field(name, [_value(name, fields) for fields in read]))]
    return HeaderTemplate(order, count / len(read), tuple(found), len(read))


def _keeps(names: tuple[str, ...], order: tuple[str, ...]) -> bool:
    """Whether the fields that both have stand in the same order, spelt alike."""
    places = [order.index(name) for name in names if name in order]
    spelt = {name.lower(): name for name in order}
    return places == sorted(places) and all(spelt.get(name.lower(), name) == name for name in names)


def _head(raw: bytes) -> bytes:
    head = raw[:_MAX_BYTES].replace(b"\r\n", b"\n").lstrip(b"\n")
    return head.split(b"\n\n", 1)[0]


def _fields(head: bytes) -> list[tuple[str, str]]:
    """Names and unfolded values, in order."""
    found = []
    for line in re.split(rb"\n(?![ \t])", head)[:_MAX_FIELDS]:
        field = _FIELD.fullmatch(line)
        if field:
            value = re.sub(r"\n[ \t]*", " ", field[2].decode("utf-8", "replace")).strip()
            found.append((field[1].decode("ascii"), value[: 4 * MAX_VALUE]))
    return found


def _value(name: str, fields: list[tuple[str, str]]) -> str | None:
    wanted = "content-type" if name == "boundary" else name.lower()
    value = next((v for n, v in fields if n.lower() == wanted), None)
    if name == "boundary" and value is not None:
        inside = _BOUNDARY.search(value)
        return (inside[1] or inside[2] or "")[:MAX_VALUE] if inside else None
    return value[:MAX_VALUE] if value is not None else None


def _field(name: str, values: list[str | None]) -> HeaderField | None:
    """The patterns of one field, where half of the messages have it and its patterns take nine in ten of them."""
    learnt = [v for i, v in enumerate(values) if i % 5 and v is not None]
    kept = [v for v in values[::5] if v is not None]
    having = sum(v is not None for v in values)
    if having < 0.5 * len(values) or not learnt:
        return None
    found = shapes(learnt)
    if sum(s.share for s in found) < 0.9:
        return None
    text = found[0].expression if len(found) == 1 else "(?:" + "|".join(s.expression for s in found) + ")"
    regex = rf"^\s{{0,8}}{text}\s{{0,8}}$"
    on = int(matches(regex, column(kept)).sum())
    return HeaderField(name, found, having / len(values), regex, wilson(len(kept), on, "apart"))
