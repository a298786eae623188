"""Sentences: what was found, in words that stay true when they are quoted. Digits follow the interval's width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spamtide.measure import Duplicates, Effect, Interval, Note, Refusal
from spamtide.message import PublicText


def day_words(instant: int, *, clock: bool = True) -> str:
    """``16 March 2011, 14:45 UTC``; midnight has no clock."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
    text = f"{moment.day} {moment:%B %Y}"
    return f"{text}, {moment:%H:%M} UTC" if clock and (moment.hour or moment.minute) else text


def percent(ratio: float) -> str:
    """A change as whole percent, without sign."""
    return f"{abs(1 - ratio) * 100:.0f}"


def measure_words(measure: str) -> str:
    """A measure in words."""
    kind, _, rest = PublicText.of(measure, 120).text.partition(":")
    if kind == "volume":
        return "unsolicited mail"
    if kind in ("subject", "subject-literal"):
        return f"mail with {' or '.join(rest.split(','))} in the subject"
    if kind == "text":
        return f"mail with {' or '.join(rest.split(','))} in the text"
    return f"the series {PublicText.of(measure, 60).text}"


def _change(ratio: Interval) -> str:
    if ratio.low <= 1 <= ratio.high:
        low, high = (ratio.low - 1) * 100, (ratio.high - 1) * 100
        return f"showed no change that can be told from chance ({low:+.0f} to {high:+.0f} %)"
    if ratio.value < 1:
        return f"fell by {percent(ratio.value)} % (95 % interval {percent(ratio.high)} to {percent(ratio.low)} %)"
    return f"rose by {percent(ratio.value)} % (95 % interval {percent(ratio.low)} to {percent(ratio.high)} %)"


def effect_sentence(effect: Effect) -> str:
    """One sentence for an effect, a refusal included."""
    where = f"At {effect.feed}, " if effect.feed else ""
    when = f"after {day_words(effect.cut)}"
    if effect.ratio is None:
        assert effect.refused is not None
        return f"{where}no figure is given for {measure_words(effect.measure)} {when}: {refusal_text(effect.refused)}"
    days = max(1, round(effect.after.days))
    text = f"{where}{measure_words(effect.measure)} {_change(effect.ratio)} in the {days} days {when}, compared with what was expected without the event"
    if any(w.code == "short_history" for w in effect.warnings):
        text += "; short history: a 95 % interval of this kind has covered 88 to 93 %"
    return text + "."


def duplicates_sentence(duplicates: Duplicates) -> str:
    """One sentence for duplicate shares."""
    if duplicates.refused is not None:
        return f"At {duplicates.feed}, no duplicate share is given: {refusal_text(duplicates.refused)}"
    shares = []
    for s in duplicates.windows:
        if s.in_group is not None:
            i = s.in_group
            shares.append(
                f"{i.value * 100:.0f} % ({i.low * 100:.0f} to {i.high * 100:.0f} %) of {s.messages:,} messages".replace(
                    ",", "\u2009"
                )
            )
    text = f"At {duplicates.feed}, by the rule {duplicates.rule}, duplicates were {' and then '.join(shares)}"
    equal = duplicates.equal_n
    if equal is not None:
        a, b, d = equal.in_group[0], equal.in_group[1], equal.difference_in_group
        sure = "a change" if not d.low <= 0 <= d.high else "no change that can be told from chance"
        text += (
            f"; at equal n and length, {a.value * 100:.0f} % and {b.value * 100:.0f} %: {sure} "
            f"({d.value * 100:+.0f} points, {d.low * 100:+.0f} to {d.high * 100:+.0f})"
        )
    return text + "."


_NEEDED = {
    "live_days_before": "{} live days before",
    "live_days_after": "{} live days after",
    "count_before": "{} counted before",
    "messages": "{} messages",
    "placebo_windows": "{} placebo windows",
    "count": "{} counted in each window",
}


def refusal_text(refusal: Refusal) -> str:
    """What there is, and what would be enough."""
    needed = " and ".join(_NEEDED.get(k, k + " {}").format(v) for k, v in refusal.needed.items())
    have = " and ".join(
        _NEEDED.get(k, k + " {}").format(f"{v:g}" if isinstance(v, float) else v)
        for k, v in refusal.have.items()
        if k in refusal.needed
    )
    return f"it would take {needed}; there are {have}." if have else f"it would take {needed}."


_NOTES = {
    "exposure_inferred": "Exposure is inferred from what arrived; nobody stated when the feed was up.",
    "short_history": "Short history: a 95 % interval of this kind has covered 88 to 93 %.",
    "placebo_disagrees": "The placebo opinion and the headline disagree.",
    "cut_from_outcome": "The cut is a stop seen in the measured feed itself.",
    "window_chosen": "The windows were chosen by hand.",
    "competing_event": "Another registered event lies within 14 days: {event}.",
    "refused": "No figure is given.",
    "history_below_56_days": "Fewer than 56 live days before; 56 would meet this rule.",
    "competing_event_unbounded": "A competing event is not bounded.",
    "placebo_not_possible": "The history is too short for placebo windows.",
    "placebo_p_above_05": "Days when nothing happened show changes as large (p above .05).",
    "effect_that_matters_not_detectable": "A change that would matter (-25 %) could have been missed.",
    "sensitivity_not_run": "Neighbouring dates and windows were not tried.",
    "sensitivity_changes_sign": "A neighbouring date or window changes the sign.",
    "one_independence_group": "One witness; a second independent feed on the same measure would meet this rule.",
    "no_registered_plan": "No plan was registered before the data.",
    "attribution_not_audited": "Attribution was not audited.",
    "pre_trend": "The last 14 days before the cut differ from what precedes them; with and without the last {days} days the interval runs from {low} to {high}.",
    "pre_trend_check": "The last 14 days before the cut as a ratio to what precedes them: {value} ({low} to {high}). A quiet check does not show that nothing was there.",
    "lookback_before_data": "The look-back reaches to before the data; no repeat share is given.",
}


def note_text(note: Note) -> str:
    """A warning or an unmet rule in words."""
    text = _NOTES.get(note.code, note.code.replace("_", " ") + ".")
    shown = {k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in note.facts.items()}
    return text.format(**{k: PublicText.of(v, 60).text for k, v in shown.items()})
