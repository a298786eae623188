"""Sentences: what was found, in words that stay true when they are quoted. Digits follow the interval's width."""

from __future__ import annotations

from collections.abc import Sequence

from spamtide.measure import Duplicates, Effect, Interval, Note, Refusal
from spamtide.message import PublicText
from spamtide.report.catalogue import NOTES
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
    """One sentence for an effect, a refusal included. It says "after", never "because"."""
    where, what = feed_words(effect.feed), measure_words(effect.measure, effect.population)
    when = f"after {day_words(effect.cut)}"
    if effect.ratio is None:
        assert effect.refused is not None
        return capital(f"{where}no figure is given for {what} {when}: {refusal_text(effect.refused)}")
    against = (
        "what was expected without the event" if effect.event is not None else "what the days before led one to expect"
    )
    text = (
        f"{where}{what} {fell_or_rose(effect.ratio)} in the {days_words(effect.after.days)} {when}, "
        f"compared with {against}"
    )
    if effect.ratio.low <= 1 <= effect.ratio.high and effect.minimum_detectable is not None:
        text += f"; {detectable_words(effect.minimum_detectable)}"
    if any(w.code == "short_history" for w in effect.warnings):
        text += "; the history is short, and 95 % intervals of this kind have covered the truth 88 to 93 times in 100"
    return capital(text) + "."


def detectable_words(ratio: float) -> str:
    """What could have been found: said with every finding of no change."""
    fall, rise = (1 - ratio) * 100, (1 / ratio - 1) * 100
    return f"a fall by {fall:.0f} % or a rise by {rise:.0f} % would have been told from chance four times in five"


def effect_title(effect: Effect) -> str:
    """The finding, as the title of its chart, with its interval."""
    what = capital(measure_words(effect.measure, effect.population))
    if effect.feed:
        what += f" at {feed_words(effect.feed)[len('At the feed ') : -2]}"
    return f"{what}: no figure" if effect.ratio is None else f"{what}: {fell_or_rose(effect.ratio, noun=True)}"


def planted_sentence(planted: float, ratio: Interval | None) -> str:
    """The planted truth beside a finding; said of simulated worlds only."""
    text = f"The planted truth is {change_words(Interval(planted, planted, planted))}"
    if ratio is None:
        return text + "."
    inside = ratio.low <= planted <= ratio.high
    return f"{text}, {'inside' if inside else 'outside'} the interval."


def duplicates_sentence(duplicates: Duplicates) -> str:
    """Two sentences for duplicate shares: as counted and, where two windows are compared, at equal n and length."""
    where = feed_words(duplicates.feed)
    if duplicates.refused is not None:
        return capital(f"{where}no duplicate share is given: {refusal_text(duplicates.refused)}")
    shares: list[str] = []
    none = all(s.in_group is not None and round(s.in_group.value, 9) == 0 for s in duplicates.windows)
    for i, s in enumerate(duplicates.windows):
        if s.in_group is None:
            continue
        level = "95 % interval: " if not shares else ""
        begin = "then" if i and s.window.start == duplicates.windows[i - 1].window.end else day_words(s.window.start)
        shares.append(
            f"{'none' if none else share_phrase(s.in_group, level)} of {thousands(s.messages)} messages "
            f"from {begin} to {day_words(s.window.end)}"
        )
    if not shares:
        return capital(f"{where}no duplicate share is given: there are no messages in these windows.")
    if none:
        bounds = " and ".join(f"up to {share_span(s.in_group).removeprefix('0 to ')}" for s in duplicates.windows)
        text = f"{where}by the rule “{duplicates.rule}”, {', and '.join(shares)} had a copy in its window"
        return capital(f"{text} (95 % interval{'s' if len(shares) > 1 else ''}: {bounds}).")
    text = f"{where}by the rule “{duplicates.rule}”, duplicates made up {', and '.join(shares)}."
    equal = duplicates.equal_n
    if equal is not None:
        a, b = equal.in_group
        text += (
            f" At the same number of messages ({thousands(equal.n)}) and the same length ({days_words(equal.days)}) "
            f"they made up {share_phrase(a)} and {share_phrase(b)}: "
            f"{difference_words(equal.difference_in_group)}."
        )
    return capital(text)


def difference_words(difference: Interval) -> str:
    """A difference of shares: ``a fall by 11 points (95 % interval: 3 to 19)``."""
    d, low, high = (round(v * 100, 6) for v in (difference.value, difference.low, difference.high))
    if d == low == high == 0:
        return "no difference"
    if low <= 0 <= high:
        decimals = digits(high - low)[1]
        span = signed(f"{low:+.{decimals}f} to {high:+.{decimals}f}")
        return f"a difference that cannot be told from chance (95 % interval: {span} points)"
    value, near, far = points(*((-d, -high, -low) if d < 0 else (d, low, high)))
    return f"a {'fall' if d < 0 else 'rise'} by {value} points (95 % interval: {near} to {far})"


def duplicates_title(duplicates: Duplicates) -> str:
    """The finding, as the title of the figure."""
    at = f"at {feed_words(duplicates.feed)[len('At the feed ') : -2]}"
    if duplicates.equal_n is not None:
        d = duplicates.equal_n.difference_in_group
        return capital(f"duplicates {at}, compared at equal n: {difference_words(d)}")
    return f"Duplicates {at}: {' and '.join(share_phrase(s.in_group) for s in duplicates.windows)}"


def share_phrase(share: Interval | None, level: str = "") -> str:
    """``52 % (48 to 55 %)``."""
    span = share_span(share)
    return f"{share_words(share)} ({level}{span})" if span else share_words(share)


_NEEDED = {
    "live_days_before": "{} live days before",
    "live_months_before": "{} months before",
    "live_months_after": "{} months after",
    "live_days_after": "{} live days after",
    "count_before": "{} messages counted before",
    "messages": "{} messages",
    "live_days": "{} live days",
    "placebo_windows": "{} placebo windows",
    "count": "{} counted in each window",
    "independence_groups": "{} independence groups",
    "quiet_days": "{} quiet days",
    "exposure_basis": "an exposure that somebody stated ({})",
    "pairs": "{} pairs of sightings at one address",
    "hours_at_one_address": "{} hours that a host keeps an address",
    "bin_hours": "bins of {} hours",
    "judged_of_each_stratum": "{} judged pair of each stratum that weighs",
    "campaigns_of_two_wordings": "{} campaign of two wordings",
}


def refusal_text(refusal: Refusal) -> str:
    """What would be enough, and what there is."""
    first = ""
    if refusal.reason == "cut_outside_data":
        first = (
            f"the data run from {refusal.have['data_from']} to {refusal.have['data_to']}, all on one side of the cut; "
        )
    if refusal.reason == "all_zero":
        first = "every count is 0, which no ratio can be made of; "
    needed = _listed([_amount(k, v) for k, v in refusal.needed.items()])
    have = [_amount(k, v) for k, v in refusal.have.items() if k in refusal.needed]
    if not have:
        return f"{first}it would take at least {needed}."
    return (
        f"{first}it would take at least {needed}; there {'is' if have[0].startswith('1 ') else 'are'} {_listed(have)}."
    )


def _amount(name: str, value: float | str | None) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    text = _NEEDED.get(name, name.replace("_", " ") + " {}").format(shown)
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
