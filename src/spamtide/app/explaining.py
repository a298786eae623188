"""Why a message matched: for each term what stands there, what it folds to, and what was undone on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from spamtide.app.output import printable
from spamtide.archive import Archive
from spamtide.measure import FOLDED_FIELDS, And, Not, Or, Term, Tree, folded_needle, parse_query
from spamtide.message import fold_trace, message_texts

_SUBJECT = re.compile(rb"^subject:((?:[^\n]*\n[ \t])*[^\n]*)", re.IGNORECASE | re.MULTILINE)
_SHOWN_CHARS = 200


def explain(archive: Archive, query: str, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The terms of ``query`` that one row of a search matches by text, in their order; terms under NOT have no evidence.

    ``shown`` is what stands in the field where the term matches first, ``folded`` what the fold made of it, ``matches``
    how often the term matches. The raw message is read again: the tables hold no text with its capitals.
    """
    message = archive.read(row["id"])
    names = ("subject", "text", "from", "attachment")
    texts = dict(zip(names, message_texts(message.raw, json.dumps(message.meta).encode()), strict=True))
    found = []
    for term in _positive(parse_query(query)):
        text = texts.get(term.field.removesuffix("-literal"))
        if text is None:
            continue
        folded = term.field in FOLDED_FIELDS and (not term.exact or term.field == "attachment")
        evidence = _folded(term, text) if folded else _literal(term, text)
        if evidence is None:
            continue
        if term.field.startswith("subject") and _encoded(message.raw, evidence["shown"]):
            evidence["tricks"].insert(0, {"trick": "encoded-word", "from": "", "to": evidence["shown"]})
        found.append({"term": str(term), "field": term.field, **evidence})
    return found


def with_explain(archive: Archive, query: str, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a search, each with the key ``explain``."""
    for row in rows:
        yield {**row, "explain": explain(archive, query, row)}


def explained_lines(explained: list[dict[str, Any]]) -> Iterator[str]:
    """What was explained, a line a term, safe for a terminal."""
    for one in explained:
        shown = f"«{printable(one['shown'], 60)}»"
        folded = "" if one["folded"] is None else f" reads {printable(one['folded'], 60)}"
        steps = "; ".join(_step(step) for step in one["tricks"])
        more = f" ({one['matches']} times)" if one["matches"] > 1 else ""
        yield f"    {one['field']}: {shown}{folded}{more}{': ' + steps if steps else ''}"


def _positive(tree: Tree) -> Iterator[Term]:
    match tree:
        case Term():
            yield tree
        case And() | Or():
            for part in tree.parts:
                yield from _positive(part)
        case Not():
            return


def _folded(term: Term, text: str) -> dict[str, Any] | None:
    needle = folded_needle(term)
    traced = fold_trace(text)
    first, matches = None, 0
    for reading in (False, True):
        part = [one for one in traced if one[1] == reading]
        line = f" {' '.join(one[0] for one in part)} "
        at = line.find(needle)
        while at >= 0:
            matches += 1
            if first is None:
                start, end = at + needle.startswith(" "), at + len(needle) - needle.endswith(" ")
                before = line.count(" ", 0, start) - 1
                first = part[before : before + needle.strip(" ").count(" ") + 1]
                assert start < end
            at = line.find(needle, at + 1)
    if first is None:
        return None
    start, end = min(one[2] for one in first), max(one[3] for one in first)
    steps = dict.fromkeys(step for one in first for step in one[4])
    return {
        "shown": text[start:end][:_SHOWN_CHARS],
        "folded": " ".join(one[0] for one in first),
        "matches": matches,
        "tricks": [{"trick": trick, "from": sent, "to": to} for trick, sent, to in steps],
    }


def _literal(term: Term, text: str) -> dict[str, Any] | None:
    wanted = (term.value.strip("*") if term.exact else term.value).lower()
    at = text.lower().find(wanted)
    if at < 0:
        return None
    # A letter whose lower case is longer moves what follows it; then the lower-case text is shown.
    own = text if len(text.lower()) == len(text) else text.lower()
    shown = own[at : at + len(wanted)][:_SHOWN_CHARS]
    return {"shown": shown, "folded": None, "matches": text.lower().count(wanted), "tricks": []}


def _encoded(raw: bytes, shown: str) -> bool:
    """Whether the Subject field holds an encoded word and not what is shown as it is."""
    head = raw[:65_536].replace(b"\r\n", b"\n").split(b"\n\n")[0]
    field = _SUBJECT.search(head)
    return field is not None and b"=?" in field[1] and shown.encode() not in field[1]


def _named(text: str) -> str:
    plain = printable(text, 40)
    return plain if len(text) != 1 or text.isascii() or plain != text else f"{plain} (U+{ord(text):04X})"


def _step(step: dict[str, str]) -> str:
    trick, sent, to = step["trick"], _named(step["from"]), printable(step["to"], 40)
    match trick:
        case "doubled":
            return "doubled letters read once"
        case "encoded-word":
            return "encoded word decoded"
        case "direction":
            return f"direction mark: sent {sent}, shown {to}"
        case _:
            return f"{trick} {sent} → {to}" if to else f"{trick} {sent} removed"
