"""What the page shows, made of values: a view a finding, a view a feed's duplicates, the instrument cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from spamtide.measure import Effect, Interval
from spamtide.message import PublicText
from spamtide.report.catalogue import say
from spamtide.report.claims import claims_beside, duplicate_claims
from spamtide.report.documents import instant
from spamtide.report.effectchart import dead_days, effect_alt, effect_chart, rate
from spamtide.report.forestplot import forest_alt, forest_marks, forest_plot, forest_title
from spamtide.report.sentences import duplicates_title, effect_title, note_text, planted_sentence
from spamtide.report.sharesplot import share_pairs, shares_alt, shares_plot
from spamtide.report.tables import write_marks, write_path, write_shares
from spamtide.report.values import Finding, ReportInput
from spamtide.report.words import change_span, change_words, day_words, measure_words, quoted, thousands


def _slug(number: int, *parts: str) -> str:
    text = "-".join([str(number), *parts])
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)[:80].strip("-")


def _figures(out: Path, name: str, draw: Any) -> dict[str, Any]:
    """Write a figure as a file and keep its two forms for the page."""
    from markupsafe import Markup

    (out / "figures" / f"{name}.svg").write_text(draw(alone=True), encoding="utf-8")
    # Our own SVG: every text in it went through escaping.
    return {"name": name, "wide": Markup(draw()), "narrow": Markup(draw(narrow=True))}


def finding_view(report: ReportInput, number: int, finding: Finding, out: Path) -> dict[str, Any]:
    """One effect for the page; its figures and tables are written into ``out``."""
    effect, planted = finding.effect, finding.document.get("planted")
    name = _slug(number, effect.feed or "given", effect.measure)
    others = [
        f.effect for f in report.findings if f.effect.measure == effect.measure and f.effect.feed != effect.feed and f.effect.ratio
    ]  # fmt: skip
    marks = forest_marks(effect, planted, others, claims_beside(effect, report.claims), report.witnesses)
    view: dict[str, Any] = {
        "name": name, "document": finding.document, "effect": effect, "planted": planted, "title": effect_title(effect),
        "measure": measure_words(effect.measure, effect.population), "feed": PublicText.stated(effect.feed or "", 60).text,
        "change": change_words(effect.ratio), "span": change_span(effect.ratio),
        "planted_change": None if planted is None else change_words(Interval(planted, planted, planted)),
        "planted_sentence": None if planted is None else planted_sentence(planted, effect.ratio),
        "unmet": [note_text(n) for n in effect.confidence.unmet], "warnings": [note_text(n) for n in effect.warnings if n not in effect.confidence.unmet],
        "pre_trend": None if effect.pre_trend is None else note_text(effect.pre_trend),
        "source": _source(report, effect), "command": _command(report, effect), "chart": None, "forest": None,
        "ways": _ways(effect), "counted": _counted(effect), "dead": dead_days(effect), "why": why_words(effect),
        "inside": planted is not None and effect.ratio is not None and effect.ratio.low <= planted <= effect.ratio.high,
        "plain": _plain(effect), "forest_title": None, "checks": [note_text(c.note) for c in effect.checks],
        "least": None if effect.minimum_detectable is None else f"{(1 - effect.minimum_detectable) * 100:.0f}",
        "placebo": "–" if effect.placebo_p is None else "< 0.001" if effect.placebo_p < 0.001 else f"{effect.placebo_p:.2g}",
    }  # fmt: skip
    if effect.path is not None:
        view["chart"] = _figures(out, name, lambda **how: effect_chart(effect, report.title, name, **how))
        view["chart_alt"] = effect_alt(effect)
        view["forest"] = _figures(out, f"{name}-forest", lambda **how: forest_plot(effect, marks, name, **how))
        view["forest_title"], view["forest_alt"] = forest_title(effect, marks), forest_alt(effect, marks)
        view["claimed"] = any(m.kind == "claim" for m in marks)
        write_path(out / "tables" / f"{name}.csv", effect)
        write_marks(out / "tables" / f"{name}-forest.csv", marks)
    return view


def _source(report: ReportInput, effect: Effect) -> str:
    n = effect.counted_before.count + effect.counted_after.count
    text = f"Source: feed {PublicText.stated(effect.feed or 'not stated', 60).text}" + (
        " (simulated)" if report.simulated else ""
    )
    text += f", {day_words(effect.before.start)} to {day_words(effect.after.end)}, n = {thousands(n)} {effect.unit}s"
    return f"{text}, exposure by {effect.basis}; spamtide {report.version}, facts version {report.facts_version}."


def _command(report: ReportInput, effect: Effect) -> str:
    import shlex

    words = [
        "spamtide",
        "effect",
        "--event",
        report.event_id,
        "--measure",
        effect.measure,
        "--feed",
        effect.feed or "F",
    ]
    return PublicText.stated(" ".join([*(shlex.quote(w) for w in words), "--json"]), 400).text


def why_words(effect: Effect) -> str:
    """Why the confidence is what it is: what the level says, then what was not met."""
    level = effect.confidence.level
    unmet = [note_text(n) for n in effect.confidence.unmet]
    # Below the third level the rules that were broken come first, and say more than the grade.
    said = [say(f"confidence_{level}").rstrip(".") + "."] if level > 2 else []
    return " ".join([*said, *unmet]).rstrip(".")


def _plain(effect: Effect) -> str:
    """The unadjusted change with its interval."""
    for o in effect.second_opinions:
        if o.method == "naive_poisson" and o.ratio is not None:
            return f"{change_words(o.ratio)} ({change_span(o.ratio)})"
    return "–"


def _counted(effect: Effect) -> list[dict[str, str]]:
    rows = []
    for name, window, c in (
        ("before", effect.before, effect.counted_before),
        ("after", effect.after, effect.counted_after),
    ):
        rows.append(
            {
                "name": name, "start": instant(window.start), "end": instant(window.end), "count": thousands(c.count),
                "live_days": f"{c.live_days:.1f}", "rate": rate(c.count, c.live_days),
                "first": day_words(window.start), "last": day_words(window.end),
                "text": f"{thousands(c.count)} in {c.live_days:.1f} live days {name}",
            }
        )  # fmt: skip
    return rows


def _ways(effect: Effect) -> list[dict[str, str]]:
    """The same change as a plain count, at the reported date, and as this report has it."""
    ways = []
    for o in effect.second_opinions:
        if o.method == "naive_poisson" and o.ratio is not None:
            ways.append(
                {"name": say("way_plain"), "change": change_words(o.ratio), "span": change_span(o.ratio), "text": say("way_plain_text")}
            )  # fmt: skip
    for at, ratio in effect.also_at:
        late = (at - effect.cut) / 86_400_000_000
        why = say("way_article_text", day=day_words(at, clock=False))
        if late > 0:
            why += " " + say("way_article_late", days=f"{late:.1f}")
        got = ratio if isinstance(ratio, Interval) else None
        ways.append({"name": say("way_article"), "change": change_words(got), "span": change_span(got), "text": why})
    ways.append(
        {
            "name": say("way_this"), "change": change_words(effect.ratio), "span": change_span(effect.ratio),
            "text": say("way_this_text", cut=day_words(effect.cut)),
        }
    )  # fmt: skip
    return ways


def shares_views(report: ReportInput, out: Path) -> list[dict[str, Any]]:
    """One view a feed, with all its rules."""
    views: list[dict[str, Any]] = []
    said = duplicate_claims(report.claims)
    for feed in dict.fromkeys(d.duplicates.feed for d in report.duplicates):
        found = [d for d in report.duplicates if d.duplicates.feed == feed]
        drawn = [d for d in found if d.duplicates.refused is None]
        documents = [d.document for d in found]
        name = _slug(len(report.findings) + len(views) + 1, feed, "duplicates")
        view: dict[str, Any] = {
            "name": name,
            "documents": documents,
            "feed": feed,
            "chart": None,
            "title": f"Duplicates at {quoted(feed)}",
            "planted": [_planted_shares(d) for d in documents],
        }
        if drawn:
            values = [d.duplicates for d in drawn]
            pairs = share_pairs(values, [d.document for d in drawn])
            view["chart"] = _figures(
                out, name, lambda v=values, p=pairs, n=name, **how: shares_plot(v, p, said, report.witnesses, n, **how)
            )
            view["chart_alt"], view["title"] = shares_alt(values, pairs), duplicates_title(values[0])
            view["claimed"] = bool(said)
            w = values[0].windows
            view["source"] = (
                f"Source: feed {PublicText.stated(feed, 60).text}, {day_words(w[0].window.start)} to {day_words(w[-1].window.end)}, "
                f"n = {' and '.join(thousands(s.messages) for s in w)} messages; spamtide {report.version}, facts version {report.facts_version}."
            )
        write_shares(out / "tables" / f"{name}.csv", documents)
        views.append(view)
    return views


def _planted_shares(document: Mapping[str, Any]) -> str:
    """The planted shares of a duplicates document in words; empty where nothing was planted."""
    planted = document.get("planted")
    if planted is None:
        return ""

    def both(shares: Sequence[float]) -> str:
        return " and ".join(f"{s * 100:.0f} %" for s in shares)

    text = say("planted_shares", shares=both(planted["in_group"]))
    if "equal_n" in planted:
        text += say("planted_shares_equal", shares=both(planted["equal_n"]))
    return text + "."


def since_words(text: str | None) -> str | None:
    """The day of an RFC 3339 instant as a sentence has it."""
    if text is None:
        return None
    day = date.fromisoformat(text[:10])
    return f"{day.day} {day:%B %Y}"


def instrument_cards(report: ReportInput) -> list[dict[str, Any]]:
    """Instrument cards: label and value, None for what nobody stated."""
    cards = []
    for card in report.cards:
        facts = card["instrument"]
        effect = next((f.effect for f in report.findings if f.effect.feed == card["feed"]), None)
        exposure = None
        if effect is not None:
            live = effect.counted_before.live_days, effect.counted_after.live_days
            exposure = f"by {effect.basis}; {live[0]:.1f} live days of {effect.before.days:.1f} before, {live[1]:.1f} of {effect.after.days:.1f} after"
        vantage = "; ".join(
            f"{name}, {thousands(n)} addresses" if n is not None else str(name) for name, n in facts["addresses_by_vantage"].items()
        )  # fmt: skip
        domains = facts.get("domains")
        rows: list[tuple[str, object]] = [
            ("Vantage", None if vantage == "unknown" else vantage), ("Receiving since", since_words(facts.get("since"))),
            ("Exposure", exposure), ("Domains", ", ".join(domains) if isinstance(domains, list) else facts.get("domain_count")),
            ("Place among the MX", facts.get("mx_position")), ("Filter upstream", facts.get("upstream_filter")),
            ("Persona", facts.get("persona")), ("Clock", facts.get("clock")),
            ("Changes", "; ".join(_changed(c) for c in facts.get("changes") or []) or "none stated"),
        ]  # fmt: skip
        cards.append(
            {
                "feed": PublicText.stated(card["feed"], 60).text, "simulated": bool(card.get("simulated")),
                "filter_stated": bool(facts.get("upstream_filter")),
                "rows": [(k, None if v in (None, "") else PublicText.stated(str(v), 300).text) for k, v in rows],
            }
        )  # fmt: skip
    return cards


def _changed(change: Mapping[str, Any]) -> str:
    return f"{change['at']}: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in change.items() if k != "at")
