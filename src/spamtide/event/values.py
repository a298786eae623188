"""The values of this room. Instants are microseconds since 1970 UTC; shares and changes are plain numbers (-0.75).

An event has up to seven times, because people mean different ones by "the takedown": it was ordered, executed from and
to, seen to stop by a witness, announced, reported under some date, and sometimes undone again.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, get_args

from msgspec import Meta, Struct

from spamtide.event.instants import calendar_span

Kind = Literal[
    "civil-seizure", "criminal-search", "arrest", "sinkhole", "de-peering", "operator-pause", "closure", "calendar"
]
Precision = Literal["second", "minute", "hour", "day", "week", "month", "year"]
Comparator = Literal[">", ">=", "~", "=", "<=", "<"]
Grade = Literal["primary", "secondary", "derived", "remembered"]
Replication = Literal["same-metric", "related-metric", "presence-only", "restates"]
Fate = Literal["returned", "still-gone", "never-fell", "never-known"]
Flaw = Literal["denominator_changed", "percent_of_what", "window_changed", "unit_changed", "press_slip"]

KINDS: tuple[str, ...] = get_args(Kind)
COMPARATORS: tuple[str, ...] = get_args(Comparator)
GRADES: tuple[str, ...] = get_args(Grade)
FATES: tuple[str, ...] = get_args(Fate)

_RFC3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$"
Instant = Annotated[int, Meta(extra_json_schema={"type": "string", "pattern": _RFC3339})]
Identifier = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]


class Span(Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of time, ``end`` excluded."""

    start: Instant
    end: Instant


class Source(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where something was read. ``published`` is a day; absent when the page does not say."""

    publisher: Text
    address: Text
    published: Instant | None = None


class TimeFact(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One of an event's times, with how finely it is known, where that stands and who saw it.

    ``grade`` is given where the time is not read but ``derived`` or only ``remembered``.
    """

    at: Instant
    precision: Precision
    source: Identifier
    witness: Identifier | None = None
    grade: Grade | None = None
    note: Text | None = None

    @property
    def span(self) -> Span:
        """The instants that this time may stand for: its minute, hour, day ...; ``week`` is three days either side."""
        start, end = calendar_span(self.at, self.precision)
        return Span(start, end)


class Times(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The times of an event; those that no source we read states are None."""

    ordered_at: TimeFact | None = None
    executed_from: TimeFact | None = None
    executed_to: TimeFact | None = None
    observed_stop_at: TimeFact | None = None
    announced_at: TimeFact | None = None
    reported_as: TimeFact | None = None
    returned_at: TimeFact | None = None


class Afterwards(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of a target, or of the total, and how we know.

    ``returned``: working again (the total: back at its level) ``at``; ``still-gone`` when last looked ``at``: the case is
    censored there; ``never-fell``: the total showed no fall; ``never-known``: no dated look was read.
    """

    fate: Fate
    grade: Grade
    source: Identifier
    at: Instant | None = None
    precision: Precision | None = None
    witness: Identifier | None = None
    note: Text | None = None

    @property
    def span(self) -> Span | None:
        """The instants that ``at`` may stand for; None without it."""
        if self.at is None or self.precision is None:
            return None
        start, end = calendar_span(self.at, self.precision)
        return Span(start, end)


class Place(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place where the event was carried out."""

    name: Text
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    source: Identifier


class Actor(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who took part and how. ``interest`` is what the reader of their figures should know."""

    name: Text
    role: Text
    source: Identifier
    interest: Text | None = None


class Court(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The court and its order."""

    name: Text
    case: Text
    order: Text
    source: Identifier
    outcome: Text | None = None


class Claim(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A published figure: who counted what, of what, where, when, and how we know.

    A single figure is ``value``, a range ``low`` and ``high``, a claim of presence or absence has none, one about an
    instant has ``at``. ``rounding`` is the step the figure was rounded to (33 % is 0.33 at 0.01: 0.325 to 0.335).
    ``group`` is the independence group of the witness at that date; ``unknown`` counts as shared with anybody.
    """

    id: Identifier
    about: Identifier
    metric: Identifier
    comparator: Comparator
    unit: Text
    vantage: Text
    witness: Identifier
    group: Identifier
    grade: Grade
    source: Identifier
    text: Text
    value: float | None = None
    low: float | None = None
    high: float | None = None
    at: Instant | None = None
    rounding: Annotated[float, Meta(gt=0)] | None = None
    denominator: Text | None = None
    window: Span | None = None
    baseline: Span | None = None
    window_note: Text | None = None
    derived_from: tuple[Identifier, ...] = ()
    restates: Identifier | None = None
    replication: Replication | None = None
    flaw: Flaw | None = None
    caveat: Text | None = None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lowest and highest true value that the words allow; None is unbounded (or nothing was counted).

        ``~`` has no bounds of its own: how far "about" reaches is for the reader of the claim to choose.
        """
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        half = (self.rounding or 0.0) / 2
        if low is None or high is None or self.comparator == "~":
            return (self.low, self.high)
        if self.comparator in (">", ">="):
            return (low - half, None)
        if self.comparator in ("<", "<="):
            return (None, high + half)
        return (low - half, high + half)


class PublishedSeries(Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of one witness that belong to no event, such as a share month by month."""

    id: Identifier
    title: Text
    sources: dict[str, Source]
    claims: tuple[Claim, ...]


class Membership(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A witness belongs to an independence group between two days (None: not stated, so not bounded)."""

    witness: Identifier
    group: Identifier
    grade: Grade
    name: Text
    start: Instant | None = None
    end: Instant | None = None


class Cut(NamedTuple):
    """The instant that parts before from after, and why that one.

    ``basis``: ``observed-stop`` (a witness outside the measured feed), ``executed``, ``observed-in-feed`` (warn
    ``cut_from_outcome``), ``announced``.
    """

    at: int
    basis: str


class Event(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that happened to a target. ``pseudo`` marks calendar entries that only warn."""

    id: Identifier
    target: Identifier
    kind: Kind
    title: Text
    summary: Text
    times: Times
    sources: dict[str, Source]
    places: tuple[Place, ...] = ()
    actors: tuple[Actor, ...] = ()
    court: Court | None = None
    claims: tuple[Claim, ...] = ()
    cautions: tuple[Text, ...] = ()
    pseudo: bool = False
    target_after: Afterwards | None = None
    total_after: Afterwards | None = None

    @property
    def target_fate(self) -> Afterwards | None:
        """What became of the target: its return where ``times`` has one, else what ``target_after`` says; None: not said."""
        back = self.times.returned_at
        if back is None:
            return self.target_after
        return Afterwards(
            "returned", back.grade or "secondary", back.source, back.at, back.precision, back.witness, back.note
        )

    def cut(self, measured_by: str | None = None) -> Cut:
        """The default cut: a stop seen outside the measured feed, else when the event was carried out.

        ``measured_by`` is the witness whose own feed is measured (None: a feed of nobody in the registry).
        """
        t = self.times
        stop = t.observed_stop_at
        if stop is not None and (stop.witness is None or stop.witness != measured_by):
            return Cut(stop.at, "observed-stop")
        if t.executed_from is not None:
            return Cut(t.executed_from.at, "executed")
        if stop is not None:
            return Cut(stop.at, "observed-in-feed")
        first = self._stated()[0]
        return Cut(first.at, "announced")

    def cut_span(self, measured_by: str | None = None) -> Span:
        """The instants that the default cut may stand for: bins that touch it are in neither window for daily counts."""
        at = self.cut(measured_by).at
        return next(fact for fact in self._stated() if fact.at == at).span

    @property
    def started_at(self) -> int:
        """The default cut's instant."""
        return self.cut().at

    @property
    def ended_at(self) -> int:
        """When the target worked again, or else the last instant at which the event was being carried out."""
        t = self.times
        if t.returned_at is not None:
            return t.returned_at.at
        return max([self.started_at, *(f.at for f in (t.executed_from, t.executed_to, t.observed_stop_at) if f)])

    def _stated(self) -> list[TimeFact]:
        t = self.times
        order = (t.observed_stop_at, t.executed_from, t.executed_to, t.announced_at, t.ordered_at, t.reported_as)
        return [fact for fact in order if fact is not None]
