"""The parts of a page that are lists: findings as sentences, limits, definitions, sizes, corroboration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spamtide.measure import UNKNOWN_GROUP, Effect, Window
from spamtide.message import PublicText
from spamtide.report.catalogue import say
from spamtide.report.sentences import duplicates_title, note_text, refusal_text, says_because
from spamtide.report.sizes import size_rows
from spamtide.report.values import ReportInput
from spamtide.report.words import (  # fmt: skip
    capital,
    change_span,
    change_words,
    day_words,
    days_words,
    feed_words,
    fell_or_rose,
    interval_of,
    measure_words,
    quoted,
    thousands,
)

DEFINITIONS = {
    "press": ("def_effect", "def_interval", "def_unsolicited", "def_confidence"),
    "technical": (
        "def_effect", "def_unadjusted", "def_live", "def_cut", "def_unsolicited", "def_interval", "def_duplicates",
        "def_second", "def_confidence",
    ),
}  # fmt: skip
# One of so many addresses or more is not told by what came on which day.
FEW_ADDRESSES = 3
HARMS = ("harm_victims", "harm_recipients", "harm_traps", "harm_innocent", "harm_named")


def found(report: ReportInput) -> tuple[str, list[dict[str, str]]]:
    """What the findings share (cut and days), and each other finding as a sentence with its confidence.

    The first effect is the page's own first sentence; where the others have other windows, each says its own.
    """
    effects = [f.effect for f in report.findings]
    shared = len({(e.cut, e.after, e.event is None) for e in effects}) == 1 and effects[0].event is not None
    when = say("found_same", days=days_words(effects[0].after.days), cut=day_words(effects[0].cut)) if shared else ""
    rows = [
        {"text": _phrase(e) if shared else str(f.document["sentence"]), "why": _confidence(e)}
        for f, e in zip(report.findings[1:], effects[1:], strict=True)
    ]
    rows += [
        {"text": f"{duplicates_title(d.duplicates)}.", "why": ""}
        for d in report.duplicates
        if d.duplicates.refused is None and d.duplicates.rule != "identical"
    ]
    # What is refused stands in its own place; a first page has no room for it.
    rows += [{"text": str(d["sentence"]), "why": ""} for d in report.sizes[:1] if d["refused"] is None]
    rows += [{"text": str(d["sentence"]), "why": ""} for d in report.watches[:1]]
    return (when if len(effects) > 1 else ""), rows


def _phrase(effect: Effect) -> str:
    where, what = feed_words(effect.feed), measure_words(effect.measure, effect.population)
    if effect.ratio is None:
        assert effect.refused is not None
        return capital(where + say("no_figure_for", what=what, why=refusal_text(effect.refused)))
    return capital(f"{where}{what} {fell_or_rose(effect.ratio)}.")


def _confidence(effect: Effect) -> str:
    """``Confidence 2 of 5: ...``: the rules below the third level by name; above, only the grade."""
    level = effect.confidence.level
    text = say("confidence", level=level)
    if level > 2 or not effect.confidence.unmet:
        return f"{text}."
    return f"{text}: {note_text(effect.confidence.unmet[0])}"


def windows(report: ReportInput) -> list[str]:
    """Both windows of each effect, those that are equal once, with the feeds that they are of."""
    effects = [f.effect for f in report.findings]
    of: dict[tuple[Window, Window], list[str]] = {}
    for e in effects:
        names = of.setdefault((e.before, e.after), [])
        if e.feed and quoted(e.feed) not in names:
            names.append(quoted(e.feed))
    return [
        say(
            "window_pair", feeds=f" {say('and')} ".join(names) or "–", before_days=f"{b.days:.0f}", after_days=f"{a.days:.1f}",
            first=day_words(b.start), cut=day_words(b.end), begin=day_words(a.start), last=day_words(a.end),
        )
        for (b, a), names in of.items()
    ]  # fmt: skip


def limits(report: ReportInput, cards: list[dict[str, Any]]) -> list[str]:
    """What the figures cannot say."""
    because = [says_because(f.effect) for f in report.findings]
    causes = [*(["limit_because"] if any(because) else []), *([] if all(because) else ["limit_after"])]
    codes = ["limit_one_trap", *causes, "limit_forecast", "limit_unsolicited"]
    if any("subject" in f.effect.measure for f in report.findings):
        codes.append("limit_folding")
    texts = [say(code, report.audience) for code in (["limit_simulated"] if report.simulated else []) + codes]
    texts += [say("limit_filter", feed=c["feed"]) for c in cards if not c["filter_stated"]]
    texts += [say("limit_few_addresses", feed=feed, n=n) for feed, n in few_addresses(report.cards)]
    return texts + [say("limit_event", text=PublicText.stated(c, 400).text) for c in report.cautions]


def few_addresses(cards: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """The feeds, of those of which it is stated how many addresses they have, with fewer than three: their counts point at them."""
    stated = [(c["feed"], (c.get("instrument") or {}).get("addresses_by_vantage") or {}) for c in cards]
    counted = [(feed, sum(found.values())) for feed, found in stated if found and None not in found.values()]
    return [(feed, n) for feed, n in counted if 0 < n < FEW_ADDRESSES]


def minds(report: ReportInput) -> list[str]:
    """What would change our mind: codes of the catalogue."""
    effects = [f.effect for f in report.findings]
    codes = ["mind_feed", "mind_cause", "mind_controls", "mind_placebo"]
    if any(e.ratio is not None and e.ratio.low <= 1 <= e.ratio.high for e in effects):
        codes.append("mind_no_change")
    return [*codes, *(["mind_truth"] if report.simulated else [])]


def sizes(report: ReportInput) -> list[dict[str, Any]]:
    """Each size with its sentence and the rows of its table."""
    return [
        {
            "sentence": d["sentence"], "planted": _planted_size(d), "refused": d["refused"] is not None, "rows": size_rows(d),
            "label": f"{d['window']['start'][:10]}, {', '.join(d['feeds'])}",
        }
        for d in report.sizes
    ]  # fmt: skip


def _planted_size(document: Mapping[str, Any]) -> str:
    if "planted" not in document or document["refused"] is not None:
        return ""
    return say("planted_size", hosts=thousands(float(f"{document['planted']:.2g}")))


def agreements(report: ReportInput) -> list[dict[str, Any]]:
    """Each measure at all feeds: the sentence, whether anybody stated whose they are, and a row a feed."""
    return [
        {
            "sentence": d["sentence"], "rows": [_row(e) for e in d["effects"]],
            "stated": any(e["independence_group"] != UNKNOWN_GROUP for e in d["effects"]),
        }
        for d in report.agreements
    ]  # fmt: skip


def _row(effect: Mapping[str, Any]) -> list[str]:
    value = interval_of(effect["ratio"])
    return [
        PublicText.stated(effect["feed"], 60).text, measure_words(effect["measure"]), effect["independence_group"],
        change_words(value) if value else say("refused"), change_span(value),
    ]  # fmt: skip
