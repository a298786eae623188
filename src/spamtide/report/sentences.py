"""Sentences: what was found, in words that stay true when they are quoted. Digits follow the interval's width."""

from __future__ import annotations

from collections.abc import Sequence

from spamtide.measure import Duplicates, Effect, Interval, Note, Refusal
from spamtide.message import PublicText
from spamtide.report.catalogue import NEEDED, NOTES, SENTENCES
from spamtide.report.words import (
    capital,
    change_words,
    day_words,
    days_words,
    digits,
    feed_words,
    fell_or_rose,
    measure_words,
    points,
    ratio_words,
    share_span,
    share_words,
    signed,
    thousands,
)


def effect_sentence(effect: Effect) -> str:
    """One sentence for an effect, a refusal included. It says "because of" only where every rule for that is met, else "after"."""
    where, what = feed_words(effect.feed), measure_words(effect.measure, effect.population)
    when = SENTENCES["effect_when"].format(day=day_words(effect.cut))
    if effect.ratio is None:
        assert effect.refused is not None
        return capital(
            SENTENCES["effect_refused"].format(where=where, what=what, when=when, why=refusal_text(effect.refused))
        )
    text = SENTENCES["effect"].format(
        where=where, what=what, changed=fell_or_rose(effect.ratio), days=days_words(effect.after.days), when=when,
        against=SENTENCES["against_event" if effect.event is not None else "against_instant"],
    )  # fmt: skip
    if says_because(effect):
        text += SENTENCES["because_of"].format(event=PublicText.stated(effect.event or "", 60).text)
    if effect.ratio.low <= 1 <= effect.ratio.high and effect.minimum_detectable is not None:
        text += f"; {detectable_words(effect.minimum_detectable)}"
    if any(w.code == "short_history" for w in effect.warnings):
        text += SENTENCES["short_history"]
    return capital(text) + "."


def says_because(effect: Effect) -> bool:
    """Whether every rule for saying "because of" is met."""
    return effect.attribution is not None and effect.attribution.word == "because of"


def detectable_words(ratio: float) -> str:
    """What could have been found: said with every finding of no change."""
    fall, rise = (1 - ratio) * 100, (1 / ratio - 1) * 100
    return SENTENCES["detectable"].format(fall=f"{fall:.0f}", rise=f"{rise:.0f}")


def effect_title(effect: Effect) -> str:
    """The finding, as the title of its chart, with its interval."""
    what = capital(measure_words(effect.measure, effect.population))
    if effect.feed:
        what += f" at {feed_words(effect.feed)[len('At the feed ') : -2]}"
    if effect.ratio is None:
        return SENTENCES["title_refused"].format(what=what)
    return SENTENCES["title"].format(what=what, changed=fell_or_rose(effect.ratio, noun=True))


def planted_sentence(planted: float, ratio: Interval | None) -> str:
    """The planted truth beside a finding; said of simulated worlds only."""
    code = "planted"
    if ratio is not None:
        code = "planted_inside" if ratio.low <= planted <= ratio.high else "planted_outside"
    return SENTENCES[code].format(change=change_words(Interval(planted, planted, planted))) + "."


def duplicates_sentence(duplicates: Duplicates) -> str:
    """Two sentences for duplicate shares: as counted and, where two windows are compared, at equal n and length."""
    where = feed_words(duplicates.feed)
    if duplicates.refused is not None:
        return capital(SENTENCES["shares_refused"].format(where=where, why=refusal_text(duplicates.refused)))
    shares: list[str] = []
    none = all(s.in_group is not None and round(s.in_group.value, 9) == 0 for s in duplicates.windows)
    for i, s in enumerate(duplicates.windows):
        if s.in_group is None:
            continue
        level = "95 % interval: " if not shares else ""
        begin = "then" if i and s.window.start == duplicates.windows[i - 1].window.end else day_words(s.window.start)
        shares.append(
            SENTENCES["share_of_window"].format(
                share="none" if none else share_phrase(s.in_group, level), messages=thousands(s.messages), begin=begin,
                end=day_words(s.window.end),
            )
        )  # fmt: skip
    if not shares:
        return capital(SENTENCES["shares_empty"].format(where=where))
    if none:
        bounds = " and ".join(f"up to {share_span(s.in_group).removeprefix('0 to ')}" for s in duplicates.windows)
        return capital(
            SENTENCES["shares_none"].format(
                where=where, rule=duplicates.rule, shares=", and ".join(shares), intervals="intervals" if len(shares) > 1 else "interval",
                bounds=bounds,
            )
        )  # fmt: skip
    text = SENTENCES["shares"].format(where=where, rule=duplicates.rule, shares=", and ".join(shares))
    equal = duplicates.equal_n
    if equal is not None:
        a, b = equal.in_group
        text += SENTENCES["shares_equal"].format(
            n=thousands(equal.n), days=days_words(equal.days), before=share_phrase(a), after=share_phrase(b),
            difference=difference_words(equal.difference_in_group),
        )  # fmt: skip
    return capital(text)


def difference_words(difference: Interval) -> str:
    """A difference of shares: ``a fall by 11 points (95 % interval: 3 to 19)``."""
    d, low, high = (round(v * 100, 6) for v in (difference.value, difference.low, difference.high))
    if d == low == high == 0:
        return SENTENCES["difference_none"]
    if low <= 0 <= high:
        decimals = digits(high - low)[1]
        bounds = (signed(f"{v:+.{decimals}f}") for v in (low, high))
        return SENTENCES["difference_chance"].format(**dict(zip(("low", "high"), bounds, strict=True)))
    value, near, far = points(*((-d, -high, -low) if d < 0 else (d, low, high)))
    return SENTENCES["difference_fall" if d < 0 else "difference_rise"].format(value=value, near=near, far=far)


def duplicates_title(duplicates: Duplicates) -> str:
    """The finding, as the title of the figure."""
    at = f"at {feed_words(duplicates.feed)[len('At the feed ') : -2]}"
    if duplicates.equal_n is not None:
        d = duplicates.equal_n.difference_in_group
        return capital(SENTENCES["shares_title"].format(at=at, difference=difference_words(d)))
    shares = " and ".join(share_phrase(s.in_group) for s in duplicates.windows)
    return SENTENCES["shares_title_one"].format(at=at, shares=shares)


def share_phrase(share: Interval | None, level: str = "") -> str:
    """``52 % (48 to 55 %)``."""
    span = share_span(share)
    return f"{share_words(share)} ({level}{span})" if span else share_words(share)


def refusal_text(refusal: Refusal) -> str:
    """What would be enough, and what there is."""
    first = ""
    if refusal.reason == "cut_outside_data":
        first = SENTENCES["refused_outside"].format(first=refusal.have["data_from"], last=refusal.have["data_to"])
    if refusal.reason == "all_zero":
        first = SENTENCES["refused_zero"]
    needed = _listed([_amount(k, v) for k, v in refusal.needed.items()])
    have = [_amount(k, v) for k, v in refusal.have.items() if k in refusal.needed]
    if not have:
        return SENTENCES["refused_needs"].format(first=first, needed=needed)
    verb = "is" if have[0].startswith("1 ") else "are"
    return SENTENCES["refused_has"].format(first=first, needed=needed, verb=verb, have=_listed(have))


def _amount(name: str, value: float | str | None) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    text = NEEDED.get(name, name.replace("_", " ") + " {}").format(shown)
    for plural in ("live days", "messages", "windows"):
        text = text.replace(f"1 {plural}", f"1 {plural[:-1]}") if text.startswith("1 ") else text
    return text


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def note_text(note: Note) -> str:
    """A warning or an unmet rule in words."""
    text = NOTES.get(note.code, note.code.replace("_", " ") + ".")
    shown = {k: ratio_words(v) if isinstance(v, float) else str(v) for k, v in note.facts.items()}
    return text.format(**{k: PublicText.stated(v, 60).text for k, v in shown.items()})
