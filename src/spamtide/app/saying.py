"""What the terminal prints of findings: the sentences first, the planted value beside each, then aligned tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.app.output import fill, paint, table
from spamtide.app.plans import plan_line
from spamtide.measure import Displacement, Effect, Interval
from spamtide.report import (
    change_span,
    change_words,
    day_words,
    method_words,
    note_text,
    planted_sentence,
    share_phrase,
)

CHECK_MARKS = {"quiet": "quiet:", "doubt": "DOUBT:", "not_possible": "open:"}
SHAPE_WORDS = {
    "step": "a step", "ramp": "a ramp", "pulse": "a pulse with recovery", "decay": "a jump that settles at another level",
    "pause": "a pause",
}  # fmt: skip


def interval_of(document: Mapping[str, Any] | None) -> Interval | None:
    """The interval of a document."""
    return None if document is None else Interval(document["value"], document["low"], document["high"])


def planted_line(text: str) -> str:
    """A planted value under its sentence: green inside the interval, red outside."""
    return "  " + paint(text, "red" if "outside" in text else "green")


def print_findings(document: Mapping[str, Any]) -> None:
    """The sentences of a report, then what they stand on as tables."""
    planted_at_all = any("planted" in e for e in document["effects"])
    for effect in document["effects"]:
        print(fill(effect["sentence"]))
        if "planted" in effect:
            print(planted_line(planted_sentence(effect["planted"], interval_of(effect["ratio"]))))
        print()
    for duplicates in document["duplicates"]:
        print(fill(duplicates["sentence"]))
        if "planted" in duplicates:
            print("  " + _planted_shares(duplicates["planted"]))
        print()
    header = ["feed", "measure", "change", "95 % interval", *(["planted"] if planted_at_all else []), "confidence"]
    rows = []
    for effect in document["effects"]:
        ratio = interval_of(effect["ratio"])
        row = [effect["feed"] or "-", effect["measure"], change_words(ratio), change_span(ratio) or "refused"]
        if planted_at_all:
            known = effect.get("planted")
            row.append("" if known is None else change_words(Interval(known, known, known)))
        rows.append([*row, f"{effect['confidence']['level']} of 5"])
    print("\n".join(table(header, rows, right=(2, 3, 4) if planted_at_all else (2, 3))))
    rows = [row for d in document["duplicates"] if not d["refused"] for row in _share_rows(d)]
    if rows:
        print()
        print("\n".join(table(["feed", "rule", "duplicates", "before", "after"], rows, right=(3, 4))))


def _planted_shares(planted: Mapping[str, Sequence[float]]) -> str:
    def both(shares: Sequence[float]) -> str:
        return " and ".join(f"{s * 100:.0f} %" for s in shares)

    text = f"The planted truth is {both(planted['in_group'])} as counted"
    return text + (f", {both(planted['equal_n'])} at equal n." if "equal_n" in planted else ".")


def _share_rows(document: Mapping[str, Any]) -> list[list[str]]:
    shares = [share_phrase(interval_of(w["in_group"])) for w in document["windows"]]
    rows = [[document["feed"], document["rule"], "as counted", shares[0], shares[1] if len(shares) > 1 else ""]]
    if document["equal_n"]:
        equal = [share_phrase(interval_of(i)) for i in document["equal_n"]["in_group"]]
        rows.append([document["feed"], document["rule"], "at equal n", *equal])
    return rows


def _parts(table_of: Displacement) -> list[str]:
    words = {"direct": "the measure", "displacement": "all else", "net": "the total"}
    rows = []
    for p in table_of.parts:
        moved = f"{p.moved.value:+,.0f}", f"{p.moved.low:+,.0f} to {p.moved.high:+,.0f}"
        expected = f"{p.expected.value:,.0f}"
        rows.append(
            [
                f"{p.name}: {words[p.name]}",
                f"{p.counted:,.0f}",
                expected,
                *moved,
                change_words(p.ratio),
                change_span(p.ratio),
            ]
        )
    header = ["part", "counted", "expected", "difference", "95 % interval", "change", "95 % interval"]
    return table(header, rows, right=(1, 2, 3, 4, 5, 6), indent="  ")


def _moved(said: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            part["part"],
            f"{part['before']:,.4g}",
            f"{part['after']:,.4g}",
            f"{part['moved']['value']:+,.3g}",
            f"{part['moved']['low']:+,.3g} to {part['moved']['high']:+,.3g}",
            "" if part["share_of_change"] is None else f"{part['share_of_change']:.0%}",
        ]
        for part in [*said["parts"], said["total"]]
    ]
    return table(
        ["what changed", "before, a day", "after", "difference", "95 % interval", "of the change"], rows, right=(1, 2, 3, 4, 5), indent="  "
    )  # fmt: skip


def print_effect(effect: Effect, document: Mapping[str, Any]) -> None:
    """One effect: the sentence, every answer to the same question, what keeps the grade down."""
    print(fill(document["sentence"]))
    for left_out in document["windows"]["excluded"]:
        print(f"  in neither window: {left_out['start']} to {left_out['end']}")
    if effect.ratio is not None:
        rows = [["this answer", change_words(effect.ratio), change_span(effect.ratio)]]
        for at, ratio in effect.also_at:
            shown = ratio if isinstance(ratio, Interval) else None
            rows.append([f"cut at {day_words(at)}", change_words(shown), change_span(shown) or "refused"])
        for o in effect.second_opinions:
            rows.append([method_words(o.method), change_words(o.ratio), change_span(o.ratio) or "refused"])
        print()
        print("\n".join(table(["answer", "change", "95 % interval"], rows, right=(1, 2), indent="  ")))
        if effect.shape == "auto":
            name, weight = effect.shapes[0]
            print(
                fill(
                    f"\nThe shape that fits best is {SHAPE_WORDS[name]} (weight {weight:.2f}); the interval is over all of them."
                )
            )
        for check in effect.checks:
            print(fill(f"{CHECK_MARKS[check.verdict]} {note_text(check.note)}", indent="  "))
    if isinstance(effect.displacement, Displacement):
        print("\n" + "\n".join(_parts(effect.displacement)))
    if document["contributions"] is not None and document["contributions"]["total"] is not None:
        print("\n" + "\n".join(_moved(document["contributions"])))
    if effect.attribution is not None:
        print(f"\nThe word is \u201c{effect.attribution.word}\u201d:")
        for rule in effect.attribution.rules:
            print(fill(f"{'met:' if rule.met else 'open:'} {note_text(rule.note)}", indent="  "))
    if effect.plan is not None:
        print(fill(f"\n{plan_line(effect.plan)}"))
    print(f"\nConfidence {effect.confidence.level} of 5; it grades the evidence. Not met:")
    for note in effect.confidence.unmet:
        print(fill(f"- {note_text(note)}", indent="  "))
    for note in effect.warnings:
        print(fill(f"Warning: {note_text(note)}"))
