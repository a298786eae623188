"""A campaign for a person's eyes: a screen of what matters, attacker's text made harmless."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from spamtide.app.output import paint, printable

_TOP = 5
_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 60


def campaign_lines(document: dict[str, Any]) -> Iterator[str]:
    """The lines of ``campaigns show``."""
    d = document
    yield f"{d['campaign']}  {d['messages']:,} messages, {d['exact_groups']:,} exact groups, {d['first_seen'][:16]} to {d['last_seen'][:16]}"
    if d["became"] is not None:
        others = ", ".join(n for n in d["became"]["now"] if n != d["campaign"]) or "itself"
        yield f"  {d['asked']} was {d['became']['why']}, found at {d['became']['at']}; see also {others}"
    for alias in d["aliases"]:
        yield f"  once also {alias['campaign']} ({alias['why']}, {alias['at']})"
    yield f"  topic {d['topic']}, language {d['language']}; feeds {', '.join(d['feeds'])}"
    yield f"  {d['peers']:,} peers in {d['networks']:,} networks; links to {d['domains']:,} domains, {d['hosts']:,} hosts"
    yield f"  by hour {_volume(d['by_hour'])}"
    for key, name in (
        ("by_subject", "subject"),
        ("by_domain", "domain"),
        ("by_network", "network"),
        ("by_sender", "from"),
    ):
        yield from _top(d[key], name)
    yield from _templates(d)
    text = " ".join(d["example"]["text"].split())
    yield f"  example {d['example']['id']}: {printable(text, 300)}"
    for v in d["variants"]:
        if v["diff"]:
            yield f"  variant {v['id']} ({v['messages']:,}): {shown_diff(v['diff'])}"


def _templates(d: dict[str, Any]) -> Iterator[str]:
    for t in d["templates"][:_TOP]:
        held = t["held_back"]
        kept = f", {held['matched']} of {held['n']} held back match" if held["n"] else ""
        yield f"  template of {t['messages']:,} messages{kept}: {printable(' '.join(t['text'].split()), 400)}"
    if d["template_refused"] is not None:
        yield f"  no template: {d['template_refused']['reason']}"


def _top(rows: list[dict[str, Any]], name: str) -> Iterator[str]:
    for row in rows[:_TOP]:
        yield f"  {name:<8} {row['messages']:>7,}  {printable(str(row[name]), 90)}"
    if len(rows) > _TOP:
        yield f"  {name:<8} {'...':>7}"


def _volume(rows: list[dict[str, Any]]) -> str:
    """Counts of the hours in which something came, at most sixty columns, each the most of its stretch."""
    counts = [r["count"] for r in rows]
    step = -(-len(counts) // _COLUMNS)
    tops = [max(counts[i : i + step]) for i in range(0, len(counts), step)] if counts else []
    top = max(tops, default=1)
    return "".join(_BARS[-(-n * 8 // top)] for n in tops) + f"  most {top:,}"


def shown_diff(diff: list[list[str]], limit: int = 400) -> str:
    """A word-level diff on one line: [-gone-] {+new+}, long equal stretches shortened."""
    parts = []
    for kind, text in diff:
        words = printable(text, 120)
        if kind == "=":
            inner = text.split()
            parts.append(printable(text if len(inner) <= 6 else " ".join((*inner[:3], "...", *inner[-3:])), 120))
        else:
            parts.append(paint(f"[-{words}-]", "red") if kind == "-" else paint(f"{{+{words}+}}", "green"))
    line = " ".join(parts)
    return line if len(line) <= limit else line[:limit] + "…"


def diff_lines(document: dict[str, Any]) -> Iterator[str]:
    """The lines of ``campaigns diff``."""
    for side in ("a", "b"):
        d = document[side]
        yield f"{side.upper()} {d['campaign']}  {d['messages']:,} messages, {d['first_seen'][:16]} to {d['last_seen'][:16]}, {d['topic']}"
    if document["same"]:
        yield "Both ids lead to one campaign."
    yield f"  {'':<9}{'A':>8}{'B':>8}{'both':>8}"
    for row in document["shared"]:
        some = ", ".join(printable(str(v), 40) for v in row["values"][:3])
        yield f"  {row['what']:<9}{row['a']:>8,}{row['b']:>8,}{row['both']:>8,}  {some}".rstrip()
    yield "  first messages: " + (shown_diff(document["diff"]) or "equal")


def looks_line(looks: dict[str, Any]) -> str:
    """What two messages have in common besides words, '' where nothing."""
    said = []
    pictures = looks["pictures"]
    if pictures["differing_bits"] is not None:
        said.append(f"their pictures: {pictures['differing_bits']} of {pictures['bits']} bits differ")
    if looks["forms"]:
        said.append("built alike: " + ", ".join(looks["forms"]))
    said += [f"{looks[key]} {key} in both" for key in ("hosts", "pieces") if looks[key]]
    return "; ".join(said)


def reason_line(reason: dict[str, Any]) -> str:
    """One step from a message to another, and why it holds."""
    step = f"- {reason['from'][:20]} to {reason['to'][:20]}: "
    if reason["by"] == "picture":
        return f"{step}their pictures look alike: {reason['differing_bits']} of {reason['bits']} bits differ"
    alike = f"similar by {reason['similarity']:.2f}, {reason['needed']:.2f} was needed"
    if reason["by"] == "heading":
        return f"{step}subjects {alike}; one of the two hardly says anything else"
    return step + alike + (f', met by "{printable(reason["words"], 80)}"' if reason["words"] else "")


def shared_lines(document: dict[str, Any]) -> Iterator[str]:
    """What two messages have in common, of the document of ``campaigns explain``: shingles as words, and the slots of their template."""
    shared = document["shared"]
    unread = f", {shared['unread']} of them not as words" if shared["unread"] else ""
    yield f"  sketches: {shared['a']} and {shared['b']} shingles, {shared['both']} in both{unread}"
    if shared["words"]:
        yield "  shared: " + "; ".join(printable(w, 80) for w in shared["words"])
    if looks := looks_line(document["looks"]):
        yield f"  {looks}"
    if document["template"] is not None:
        yield f"  template: {printable(' '.join(document['template']['text'].split()), 400)}"
        for slot in document["template"]["slots"]:
            a, b = ("-" if slot[k] is None else f"«{printable(slot[k], 60)}»" for k in ("a", "b"))
            yield f"    {slot['slot']:<14} {a}" + ("  in both" if a == b else f"  {b}")
