"""Numbers, dates and measures as a careful person would say them. Digits follow the width of the interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from spamtide.measure import Interval
from spamtide.message import PublicText
from spamtide.report.catalogue import SENTENCES

THIN = "\u2009"
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_UNITS = {"session": "sessions", "recipient": "recipients", "byte": "bytes"}


def moment(instant: int) -> datetime:
    """Microseconds since 1970 as a UTC moment."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)


def day_words(instant: int, *, clock: bool = True) -> str:
    """``16 March 2011, 14:45 UTC``; midnight has no clock."""
    at = moment(instant)
    text = f"{at.day} {at:%B %Y}"
    return f"{text}, {at:%H:%M} UTC" if clock and (at.hour or at.minute) else text


def short_day(instant: int) -> str:
    """``16 Mar 2011``, where room is short."""
    at = moment(instant)
    return f"{at.day} {at:%b %Y}"


def days_words(days: float) -> str:
    """``six days``: whole days, small numbers in letters."""
    n = max(1, round(days))
    return f"{_SMALL[n] if n < len(_SMALL) else n} day{'' if n == 1 else 's'}"


def thousands(value: float) -> str:
    """A whole number with thin spaces: 7 723."""
    return f"{value:,.0f}".replace(",", THIN)


def quoted(text: str, limit: int = 60) -> str:
    """A name in quotation marks, inert."""
    return f"“{PublicText.stated(text, limit).text}”"


def signed(text: str) -> str:
    """A minus sign for the hyphen."""
    return text.replace("-", "−")


def digits(width: float) -> tuple[float, int]:
    """The step a figure is rounded to, in points, and the decimals of its bounds, for an interval so many points wide.

    A tenth of a point below 2 points; else the largest of 1, 5, 10, 50, 100 ... that is at most a sixth of the width.
    """
    if width < 2:
        return 0.1, 1
    step = 1.0
    for exponent in range(1, 7):
        for candidate in (5.0 * 10 ** (exponent - 1), 10.0**exponent):
            if candidate <= width / 6:
                step = candidate
    return step, 0


def points(value: float, low: float, high: float) -> tuple[str, str, str]:
    """A figure in points with its bounds, without signs of their own: ``("about 75", "54", "86")``."""
    step, decimals = digits(high - low)
    # Never "100" for what is not quite all: more decimals if the interval bears them, else 99.
    while 0 < decimals < 3 and any(x < 100 <= round(x, decimals) for x in (value, high)):
        step, decimals = 10.0 ** -(decimals + 1), decimals + 1
    # Never "0" for a bound that is above it.
    while decimals < 3 and high > 0 and round(high, decimals) == 0:
        step, decimals = 10.0 ** -(decimals + 1), decimals + 1
    rounded = round(value / step) * step
    shown = f"{99 if value < 100 <= rounded and not decimals else rounded:.{decimals}f}"
    return (f"about {shown}" if step > 1 else shown, f"{low:.{decimals}f}", f"{high:.{decimals}f}")


def change_points(ratio: Interval) -> tuple[str, str, str]:
    """Signed change with bounds, for tables and charts: ``("−74", "−78", "−68")``. The figure is rounded as in a sentence."""
    values = [(x - 1) * 100 for x in (ratio.value, ratio.low, ratio.high)]
    step, decimals = digits(values[2] - values[1]) if ratio.high > ratio.low else (1.0, 0)
    while 0 < decimals < 3 and ratio.low > 0 and any(round(v, decimals) <= -100 for v in values):
        step, decimals = 10.0 ** -(decimals + 1), decimals + 1
    # A whole step can take a figure beyond what is possible, or past its own bounds.
    rounded = min(max(round(values[0] / step) * step, values[1]), values[2])
    shown = [f"{round(v, decimals) + 0.0:+.{decimals}f}" for v in (rounded, *values[1:])]
    if ratio.value > 0 and shown[0] == "-100":
        shown[0] = "-99"
    first, low, high = (signed("0" if float(s) == 0 else s) for s in shown)
    # An interval that begins at nothing ends at all: nothing was rounded.
    return first, signed("-100") if ratio.low == 0 else low, high


def interval_of(document: Mapping[str, Any] | None) -> Interval | None:
    """The interval of a document's ``{value, low, high, level}``."""
    return None if document is None else Interval(document["value"], document["low"], document["high"])


def ratio_words(ratio: float) -> str:
    """A ratio to read: two decimals, more where it is small."""
    return f"{ratio:.2f}" if 0.1 <= abs(ratio) < 1000 or ratio == 0 else f"{ratio:.2g}"


def change_words(ratio: Interval | None) -> str:
    """``−74 %``; a dash where there is none."""
    return "–" if ratio is None else f"{change_points(ratio)[0]} %"


def change_span(ratio: Interval | None) -> str:
    """``−78 to −68 %``."""
    if ratio is None or ratio.low == ratio.high:
        return ""
    _, low, high = change_points(ratio)
    return f"{low} to {high} %"


def share_words(share: Interval | None) -> str:
    """``52 %``."""
    return "–" if share is None else f"{_share(share)[0]} %"


def share_span(share: Interval | None) -> str:
    """``48 to 55 %``."""
    if share is None or round(share.high - share.low, 9) == 0:
        return ""
    return "{1} to {2} %".format(*_share(share))


def _share(share: Interval) -> tuple[str, str, str]:
    # None seen is 0, not 0.0: nothing was rounded.
    shown = _points_of(share)
    exact = [round(v, 9) == 0 for v in (share.value, share.low, share.high)]
    value, low, high = ("0" if zero else text for zero, text in zip(exact, shown, strict=True))
    return value, low, high


def _points_of(share: Interval) -> tuple[str, str, str]:
    return points(share.value * 100, share.low * 100, share.high * 100)


def fell_or_rose(ratio: Interval, *, noun: bool = False) -> str:
    """The verb with figure and interval; with ``noun`` the same as a title has it: ``down 74 % (68 to 78 %)``."""
    if ratio.low <= 1 <= ratio.high:
        low, high = change_points(ratio)[1:]
        if noun:
            return SENTENCES["unchanged_title"].format(low=low, high=high)
        least = "less than 0.1" if digits((ratio.high - ratio.low) * 100)[1] else "less than 1"
        fall, rise = (least if bound == "0" else bound.lstrip("−+") for bound in (low, high))
        return SENTENCES["unchanged"].format(fall=fall, rise=rise)
    down = ratio.value < 1
    values = ((1 - ratio.value) * 100, (1 - ratio.high) * 100, (1 - ratio.low) * 100)
    value, low, high = points(*(values if down else (-values[0], -values[2], -values[1])))
    if ratio.low == 0:
        return SENTENCES["stopped_title" if noun else "stopped"].format(least=low)
    code = ("down" if down else "up") if noun else ("fell" if down else "rose")
    return SENTENCES[code].format(value=value, low=low, high=high)


def is_figure(value: float | None) -> bool:
    """Whether a number can be printed."""
    return value is not None and math.isfinite(value)


def listed(terms: list[str]) -> str:
    """Terms in quotes: ``“a”``, ``“a” or “b”``."""
    said = [quoted(t) for t in terms]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def measure_words(measure: str, population: str = "unsolicited") -> str:
    """A measure in words: ``unsolicited mail with “viagra” or “cialis” in the subject``."""
    if population == "as given":
        return f"the series {quoted(measure)}"
    kind, _, rest = measure.partition(":")
    unit = None
    for name in _UNITS:
        if measure.endswith(f"@{name}"):
            unit = _UNITS[name]
            kind, rest = kind.removesuffix(f"@{name}"), rest.removesuffix(f"@{name}")
    mail = "unsolicited mail" if population == "unsolicited" else "mail"
    if kind == "volume":
        words = mail
    elif kind in ("subject", "subject-literal", "text") and rest:
        words = f"{mail} with {listed(rest.split(','))} in the {'text' if kind == 'text' else 'subject'}"
        words += ", letter for letter" if kind == "subject-literal" else ""
    elif kind == "topic" and rest:
        words = f"{mail} about {listed(rest.split(','))}"
    elif kind == "campaign" and rest:
        words = f"{mail} of the campaign{'s' if ',' in rest else ''} {listed(rest.split(','))}"
    elif kind == "messages" and rest:
        # A query may name an address: it is masked as messages are.
        words = f"{mail} that matches {PublicText.of(rest, 120).text}"
    elif kind in ("botnet", "dialect", "template") and rest:
        words = f"{mail} of the {'sender group' if kind == 'botnet' else kind} {quoted(rest)}"
    elif kind == "peers":
        words = f"the number of addresses seen sending {mail}"
    else:
        return f"the series {quoted(measure)}"
    return words if unit is None else f"{unit} of {words}"


def feed_words(feed: str | None) -> str:
    """``At the feed “trap”, ``; nothing without a feed."""
    return f"At the feed {quoted(feed)}, " if feed else ""


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]
