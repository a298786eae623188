"""The observatory: a workspace that answers questions. The command line and Python scripts ask the same one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spamtide.app.attributing import doses_of, rivals_of
from spamtide.app.cuts import find_cut
from spamtide.app.engines import campaign_generations, open_engine
from spamtide.app.instruments import instrument_notes
from spamtide.app.pooling import measured
from spamtide.app.registry import workspace_registry
from spamtide.app.searching import asks_for_campaigns, resolved, search_messages
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import Generation
from spamtide.errors import Unanswerable, WrongUse
from spamtide.measure import (
    DAY_US,
    EVERYTHING,
    HOUR_US,
    INFERRED,
    RULES,
    Contributions,
    Count,
    DuplicateMeasure,
    Duplicates,
    Effect,
    Exposure,
    GroupShare,
    NotBuiltYet,
    Note,
    Refusal,
    Series,
    Share,
    Window,
    WithoutGroup,
    arrival_times,
    asks_for_peers,
    campaign_facts,
    counts_by_bin,
    decompose,
    default_windows,
    duplicate_shares,
    effect_of_given,
    estimate_effect,
    exposure_shares,
    first_hits,
    given_series,
    group_rows,
    hidden_peers,
    judge_bins,
    large_peers,
    parse_measure,
    peer_notes,
    rebinned,
    remainder,
    series_named,
    sessions_by_bin,
    shares_by_group,
    span,
    weakest_basis,
    without_group,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from spamtide.archive import Engine
    from spamtide.event import Event

VOLUME = Count("volume", EVERYTHING)
UNSOLICITED = ("unsolicited",)
BINS = {"hour": HOUR_US, "day": DAY_US, "week": 7 * DAY_US}
# 1970-01-05 was a Monday: weeks start there.
_MONDAY = 4 * DAY_US


class Observatory:
    """Asks the archive of one workspace. Opening is cheap; each answer reads one snapshot of the tables."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def settled(self) -> Generation | None:
        """The settled grouping of what the tables hold, made now where there is none; None where there is no message."""
        from spamtide.app.settling import settle_campaigns

        settle_campaigns(self.workspace, now=now_us(), waiting=lambda: None)
        return campaign_generations(self.workspace).current()

    def settled_senders(self) -> Generation:
        """The settled dialects and sender groups of what the tables hold, made now where there are none."""
        from spamtide.app.senders import settle_senders

        return settle_senders(self.workspace, now=now_us(), waiting=lambda: None)

    def exposures(self, feeds: Sequence[str]) -> list[Exposure]:
        """Exposure intervals of the feeds: as the journal states them, else inferred from first to last arrival."""
        stated = [
            Exposure(
                r.body["feed"],
                r.body["start"],
                r.body["end"],
                r.body["basis"],
                tuple((at, no_room, taken) for at, _, no_room, taken in r.body.get("refusals", ())),
            )
            for r in self.workspace.archive.journal.read("exposure")
            if r.body["feed"] in feeds
        ]
        have = {e.feed for e in stated}
        for feed in feeds:
            if feed not in have:
                filled = [s for s in self.workspace.archive.segments(feed) if s.records]
                if filled:
                    first = min(s.first_received_at for s in filled)
                    last = max(s.last_received_at for s in filled)
                    stated.append(Exposure(feed, first, last + 1, INFERRED))
        return stated

    def _given(self, feed: str) -> dict[str, Series]:
        """Series by name that were imported as counts; none where the feed holds messages. Later counts replace earlier."""
        rows = {
            (start, name): (start, name, count, exposure)
            for r in self.workspace.archive.journal.read("counts")
            if r.body["feed"] == feed
            for start, name, count, exposure in r.body["rows"]
        }
        return given_series(list(rows.values())) if rows else {}

    def holds_counts(self, feed: str) -> bool:
        """Whether a feed holds imported counts and no messages."""
        return bool(self._given(feed))

    def run(self, expression: Any) -> pa.Table:
        """The answer to an unbound expression of ``measure``, by the settled campaigns."""
        with open_engine(self.workspace, self.settled()) as engine:
            return engine.run(expression)

    def series(
        self,
        measure: str,
        feeds: Sequence[str],
        *,
        bin_us: int = DAY_US,
        anchor: int | None = None,
        window: Window | None = None,
        origins: Sequence[str] = UNSOLICITED,
    ) -> Series:
        """Counts of a measure in bins of ``bin_us``, with exposure. Bins start at ``anchor`` plus multiples of the bin.

        Raises BadMeasure, BadQuery, WrongUse ``unknown_feed``.
        """
        parsed = parse_measure(measure)
        how: Any = {"bin_us": bin_us, "anchor": anchor, "window": window, "origins": origins}
        if isinstance(parsed, Share):
            part, whole = (self.series(str(m), feeds, **how) for m in (parsed.part, parsed.whole))
            empty = whole.counts == 0
            counts = np.divide(part.counts, whole.counts, out=np.zeros(len(empty)), where=~empty)
            missing = part.missing | whole.missing | empty
            notes = part.warnings or whole.warnings
            return replace(part, measure=str(parsed), unit="share", counts=counts, missing=missing, warnings=notes)
        if isinstance(parsed, DuplicateMeasure):
            return self._duplicate_counts(parsed, self.series("volume", feeds, **how), origins)
        generation = self.settled() if asks_for_campaigns(measure) else None
        if isinstance(parsed, Count):
            parsed = replace(parsed, tree=resolved(self.workspace, parsed.tree, generation))
        names = self.workspace.require_feeds(list(feeds))
        start_of_bins = anchor if anchor is not None else (_MONDAY if bin_us == BINS["week"] else 0)
        if len(names) == 1 and (given := self._given(names[0])):
            return replace(rebinned(series_named(given, str(parsed)), bin_us, start_of_bins), name=names[0])
        exposures = self.exposures(names)
        covered = span(exposures)
        if window is None:
            if covered is None:
                raise Unanswerable(
                    "no_data", "There is nothing in this feed yet.", "Run 'spamtide import PATH --feed NAME'."
                )
            window = Window(*covered)
        bins: Any = {"bin_us": bin_us, "anchor": start_of_bins, "feeds": names, "window": window}
        with open_engine(self.workspace) as engine:
            rows = engine.answer(counts_by_bin, count=parsed, origins=origins, **bins)
            quiet = set()
            if weakest_basis(exposures) == INFERRED:
                quiet = set(engine.answer(counts_by_bin, count=VOLUME, origins=(), **bins)["bin"].to_pylist())
            first = (window.start - start_of_bins) // bin_us
            last = -((start_of_bins - window.end) // bin_us)
            numbers = np.arange(first, last, dtype=np.int64)
            hidden = np.zeros(len(numbers), dtype=bool)
            if asks_for_peers(parsed):
                hidden = self._hidden_bins(engine, names, numbers, bin_us, start_of_bins)
        found = dict(zip(rows["bin"].to_pylist(), rows["n"].to_pylist(), strict=True))
        counts = np.array([float(found.get(int(b), 0)) for b in numbers])
        starts = start_of_bins + numbers * bin_us
        basis = weakest_basis(exposures)
        # Where the peers of a bin are not who sent, nothing is said of them. Where nobody says the feed was up, a bin in which the whole feed was quiet is missing, not zero.
        missing = hidden | np.array([basis == INFERRED and int(b) not in quiet for b in numbers], dtype=bool)
        return Series(
            ",".join(names),
            str(parsed),
            parsed.unit,
            bin_us,
            starts,
            counts,
            exposure_shares(exposures, starts, bin_us),
            missing,
            basis,
            peer_notes(hidden),
        )

    def _hidden_bins(
        self, engine: Engine, feeds: Sequence[str], numbers: NDArray[np.int64], bin_us: int, anchor: int
    ) -> NDArray[np.bool_]:
        """Which bins show peers that are not who sent; a bin of too few sessions is judged by its day."""

        def hidden(size: int) -> Any:
            # Whole days, so that the first and the last are judged like the others.
            first = int(numbers[0]) * bin_us // size
            last = -(-(int(numbers[-1]) + 1) * bin_us // size)
            totals, large = self.peers_by_bin(engine, feeds, size, anchor, first, last)
            return hidden_peers(totals, large, size)

        if not len(numbers):
            return np.zeros(0, dtype=bool)
        return judge_bins(hidden(bin_us), hidden(DAY_US) if bin_us < DAY_US else None, bin_us, numbers)

    def peers_by_bin(
        self, engine: Engine, feeds: Sequence[str], bin_us: int, anchor: int, first: int, last: int
    ) -> tuple[pa.Table, pa.Table]:
        """The rows of ``sessions_by_bin`` and of ``large_peers`` in the bins from number ``first`` to before ``last``."""
        window = Window(first * bin_us + anchor, last * bin_us + anchor)
        how: Any = {"feeds": feeds, "bin_us": bin_us, "anchor": anchor, "window": window}
        return engine.answer(sessions_by_bin, **how), engine.answer(large_peers, **how)

    def counted(self, measure: str) -> Count:
        """A measure that counts messages, its names of campaigns resolved as of now."""
        parsed = parse_measure(measure)
        assert isinstance(parsed, Count)
        generation = self.settled() if asks_for_campaigns(measure) else None
        return replace(parsed, tree=resolved(self.workspace, parsed.tree, generation))

    def _duplicate_counts(self, measure: DuplicateMeasure, volume: Series, origins: Sequence[str]) -> Series:
        """Messages of each bin that have a copy in the same bin."""
        names, bin_us, first = volume.name.split(","), volume.bin_us, int(volume.starts[0])
        whole = Window(first, int(volume.starts[-1]) + bin_us)
        if measure.rule == "near":
            self.settled()
        with open_engine(self.workspace) as engine:
            rows = engine.run(group_rows(measure.rule, feeds=names, origins=origins, window=whole))
        keys, times = _keys_and_times(rows)
        pairs, n = np.unique(np.column_stack([(times - first) // bin_us, keys]), axis=0, return_counts=True)
        counts = np.zeros(len(volume.starts))
        np.add.at(counts, pairs[n > 1, 0], n[n > 1])
        return replace(volume, measure=str(measure), counts=counts)

    def search(
        self,
        query: str,
        feeds: Sequence[str] = (),
        *,
        origins: Sequence[str] = (),
        limit: int | None = None,
        after_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """Messages that match, as the contract's rows, in order of feed and arrival; ``after_id``: those that follow it."""
        return list(search_messages(self.workspace, query, feeds, origins=origins, limit=limit, after_id=after_id))

    def campaigns(
        self, feeds: Sequence[str] = (), *, origins: Sequence[str] = (), new_since: int | None = None
    ) -> pa.Table:
        """The campaigns as an Arrow table, most messages first: the columns of the table ``campaign`` (docs/reference/tables.md).

        Counted over these feeds and origins, no feed and no origin meaning all. ``new_since``: those first seen there at or
        after it, microseconds since 1970. What is not grouped yet is grouped first. Raises WrongUse ``unknown_feed``.
        """
        from spamtide.campaign import group_schema

        names = self.workspace.require_feeds(list(feeds)) if feeds else []
        generation = self.settled()
        if generation is None:
            return group_schema("campaign").empty_table()
        with open_engine(self.workspace, generation) as engine:
            return engine.run(campaign_facts(feeds=names, origins=origins, since=new_since))

    def campaign(self, campaign_id: str) -> dict[str, Any]:
        """The document of ``campaigns show``; an id of any earlier time will do. Raises WrongUse ``unknown_campaign``."""
        from spamtide.app.campaigns import show_campaign

        return show_campaign(self.workspace, self.settled(), campaign_id)

    def explain(self, one: str, other: str) -> dict[str, Any]:
        """The document of ``campaigns explain`` for two message ids. Raises WrongUse ``bad_message_id``, ``unknown_message``."""
        from spamtide.app.campaignexplain import explain_messages

        generation = self.settled()
        if generation is None:
            raise Unanswerable("no_data", "There is no message yet.", "Run 'spamtide import PATH --feed NAME'.")
        return explain_messages(self.workspace, generation, one, other)

    def first_hits(self, feed: str, addresses: Sequence[str]) -> dict[str, int]:
        """When something first came for each address of a feed, microseconds since 1970; those that were never hit lack."""
        if not addresses:
            return {}
        with open_engine(self.workspace) as engine:
            rows = engine.run(first_hits(feed, addresses))
        return dict(zip(rows["address"].to_pylist(), rows["first"].to_pylist(), strict=True))

    def event(self, event_id: str) -> Event:
        """An event of the registry, the workspace's own among them."""
        return workspace_registry(self.workspace).event(event_id)

    def claims(self, event_id: str, effects: Sequence[Effect] = ()) -> dict[str, Any]:
        """The document of ``claims``: what others published about an event, beside these effects. Raises ``UnknownEvent``."""
        from spamtide.app.claiming import reconciled
        from spamtide.report import effect_document

        registry = workspace_registry(self.workspace)
        return reconciled(registry, registry.event(event_id), [effect_document(e) for e in effects])

    def effect(
        self,
        measure: str,
        feed: str,
        *,
        event: str | None = None,
        at: int | None = None,
        before: Window | None = None,
        after: Window | None = None,
        also_at: Sequence[int] = (),
        diagnostics: str = "standard",
        origins: Sequence[str] = UNSOLICITED,
        method: str = "latent-ar1",
        shape: str = "averaged",
        net: bool = False,
        placebos: Sequence[str] = (),
        dose_by: str | None = None,
    ) -> Effect:
        """What changed on ``measure`` at ``feed`` after an event, or after an instant. A refusal is a value in it.

        ``feed``: one, or several as ``a,b``, pooled. ``method``: of ``METHODS``; ``shape``: of ``SHAPES``, for the default method. ``net``: the table of the effect on the
        measure, on all else that the feed received of the same population, and on the total. ``placebos``: measures that the event cannot
        have touched; ``dose_by``: the parts of the measure in which the target had its share, topic or language, say. Raises WrongUse ``no_cut`` unless exactly one of ``event`` and ``at`` is given.
        """
        if not isinstance(parse_measure(measure), Count):
            raise NotBuiltYet(
                "not_built_yet",
                f"An effect on {measure} is not built yet: shares need their own interval.",
                "Ask the effect on the count, or 'spamtide duplicates --window W --compare W'.",
            )
        cut = find_cut(workspace_registry(self.workspace), event, at)
        names = feed.split(",")
        self.workspace.require_feeds(names)
        counts = self._given(feed)
        if counts:
            name = series_named(counts, str(parse_measure(measure))).name
            value = effect_of_given(
                counts, cut, target=name, before=before, after=after,
                also_at=also_at, diagnostics=diagnostics, method=method, shape=shape, net=net,
            )  # fmt: skip
            return replace(value, feed=feed, target=cut.target)
        covered = span(self.exposures(names))
        if covered is None:
            raise Unanswerable(
                "no_data", "There is nothing in this feed yet.", "Run 'spamtide import PATH --feed NAME'."
            )
        notes = [*cut.notes, *([Note("mixed_feeds", {"of": len(names)})] if len(names) > 1 else [])]
        usual = default_windows(cut.at, covered[0], covered[1], cut.earlier_end, cut.next_start)
        if before is not None or after is not None:
            notes.append(Note("window_chosen"))
        b, a = before or usual[0], after or usual[1]
        around = Window(b.start, max(a.end, b.start))
        notes += dict.fromkeys(n for name in names for n in instrument_notes(self.workspace, name, around))
        if b.end > cut.at or a.start < cut.at:
            raise WrongUse(
                "overlapping_windows", "The windows overlap the cut.", "End the first and start the second at the cut."
            )
        how: Any = {"cut": cut.at, "window": Window(min(b.start, cut.at), max(a.end, cut.at + 1)), "origins": origins}
        series = measured(self, measure, feed, **how)
        rest = None
        if net:
            rest = remainder(measured(self, f"volume@{series.unit}", feed, **how), series, "all else")
        value = self.estimated(
            series, cut.at, before=b, after=a, feed=feed, target=cut.target, event=event, also_at=also_at,
            warnings=[*notes, *series.warnings], competing=cut.competing, diagnostics=diagnostics, population=",".join(origins),
            method=method, shape=shape, rest=rest, placebos=[measured(self, m, feed, **how) for m in placebos],
            doses=[] if dose_by is None else doses_of(self, series, dose_by, cut, tree=self.counted(measure).tree, origins=origins),
            rivals=rivals_of(self, series, cut, origins=origins),
        )  # fmt: skip
        if diagnostics == "full":
            from spamtide.app.diagnosing import competing_check, feed_checks

            registry = workspace_registry(self.workspace)
            more = (competing_check(registry, cut.at, event), *feed_checks(self, value, series, origins))
            value = replace(value, checks=(*value.checks, *more))
        if value.refused is not None and series.warnings:
            return replace(value, refused=Refusal("peer_unreliable", value.refused.needed, value.refused.have))
        return value

    def estimated(self, series: Series, at: int, **how: Any) -> Effect:
        """``estimate_effect``: a function of its arguments alone."""
        return estimate_effect(series, at, **how)

    def what_changed(
        self, effect: Effect, by: str, *, origins: Sequence[str] = UNSOLICITED, most: int = 10
    ) -> Contributions | Refusal:
        """The change from an effect's before window to its after window, taken apart by topic, language, campaign, dialect, botnet, network or country.

        The ``most`` that moved most are named. Raises WrongUse ``usage`` for what is not counted in messages, ``no_countries``.
        """
        from spamtide.app.partseries import written_parts

        if effect.feed is None or effect.unit != "message" or self.holds_counts(effect.feed):
            raise WrongUse("usage", "Parts are of messages of a feed.", "Give --feed, and a measure without @unit.")
        window = Window(effect.before.start, effect.after.end)
        series = measured(self, effect.measure, effect.feed, cut=effect.cut, window=window, origins=origins)
        parts = written_parts(self, series, by, tree=self.counted(effect.measure).tree, origins=origins)
        return decompose(series, parts, effect.before, effect.after, by=by, most=most)

    def duplicates_by_sender(
        self,
        feed: str,
        rule: str,
        windows: Sequence[Window],
        *,
        without: str | None = None,
        lookback_us: int = 7 * DAY_US,
        origins: Sequence[str] = UNSOLICITED,
    ) -> tuple[tuple[tuple[GroupShare, ...], ...], WithoutGroup | None]:
        """Duplicate shares of each sender group, window by window, and what of the change is the removal of the group ``without``.

        Settles sender groups where they are stale. The second is None without ``without`` or with one window, and where a window has too
        few messages. Raises WrongUse ``unknown_group``.
        """
        from spamtide.app.sendershares import settled_groups

        resolved_group, members = settled_groups(self, without)
        keys, times, data_start, rows = self._duplicate_rows(feed, rule, windows, lookback_us, origins, placed=True)
        groups = members(rows)
        how: dict[str, Any] = {"rule": rule, "feed": feed, "lookback_us": lookback_us, "data_start": data_start}
        by_group = tuple(shares_by_group(keys, times, groups, window=w, **how) for w in windows)
        if resolved_group is None or len(windows) != 2:
            return by_group, None
        return by_group, without_group(keys, times, groups, group=resolved_group, windows=windows)

    def _duplicate_rows(
        self,
        feed: str,
        rule: str,
        windows: Sequence[Window],
        lookback_us: int,
        origins: Sequence[str],
        placed: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int, pa.Table]:
        """Duplicate group and time of each message from the look-back on, since when there is data, and the rows themselves."""
        whole = Window(min(w.start for w in windows) - lookback_us, max(w.end for w in windows))
        if rule == "near":
            self.settled()
        with open_engine(self.workspace) as engine:
            rows = engine.run(group_rows(rule, feeds=[feed], origins=origins, window=whole, placed=placed))
            first = engine.run(arrival_times(feeds=[feed]))["first"].to_pylist()[0]
        keys, times = _keys_and_times(rows)
        known = span([e for e in self.exposures([feed]) if e.basis != INFERRED])
        data_start = known[0] if known is not None else (first if first is not None else whole.end)
        return keys, times, data_start, rows

    def duplicates(
        self,
        feed: str,
        rule: str,
        windows: Sequence[Window],
        *,
        lookback_us: int = 7 * DAY_US,
        origins: Sequence[str] = UNSOLICITED,
    ) -> Duplicates:
        """Duplicate shares of one window, or of two compared. Raises WrongUse ``unknown_rule``."""
        if rule not in RULES:
            raise WrongUse("unknown_rule", f"{rule!r} is no rule.", f"Rules: {', '.join(RULES)}.")
        self.workspace.require_feeds([feed])
        if self._given(feed):
            raise WrongUse(
                "counts_only", f"The feed {feed} holds counts; duplicates need messages.", "Import the mail."
            )
        keys, times, data_start, _ = self._duplicate_rows(feed, rule, windows, lookback_us, origins)
        return duplicate_shares(
            keys, times, feed=feed, rule=rule, windows=tuple(windows), lookback_us=lookback_us, data_start=data_start
        )


def _keys_and_times(rows: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Group of each message as a number, and when it arrived."""
    keys = rows["key"].dictionary_encode().combine_chunks().indices.to_numpy(zero_copy_only=False)
    return np.asarray(keys, dtype=np.int64), np.asarray(rows["received_at"].to_numpy(), dtype=np.int64)


def open_observatory(path: str | Path) -> Observatory:
    """The observatory of the workspace in ``path``. Raises WrongUse ``no_workspace``."""
    from spamtide.app.config import find_workspace

    return Observatory(Workspace(find_workspace(str(path))))
