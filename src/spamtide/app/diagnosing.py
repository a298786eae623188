"""Full diagnostics that need more than the measured series: other measures of the same feed, its card, the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spamtide.app.engines import open_engine
from spamtide.app.instruments import changes_within
from spamtide.app.pooling import measured
from spamtide.measure import (
    DAY_US,
    HOUR_US,
    INSTANTS,
    Check,
    Count,
    Effect,
    Fact,
    Interval,
    Note,
    Series,
    Window,
    check_rows,
    counts_by_recipient,
    estimate_effect,
    parse_measure,
    pooled_levels,
    topics_among,
)

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory
    from spamtide.event import Registry

COMPETING_DAYS = 30
# Addresses are left out in so many groups where they have one domain.
GROUPS = 4

Rows = list[tuple[str, Interval | None]]


def competing_check(registry: Registry, cut: int, event: str | None) -> Check:
    """Other events of the registry within 30 days of the cut, whatever they struck."""
    near = [
        e.id
        for e in registry.events
        if e.id != event and not e.pseudo and abs(e.started_at - cut) <= COMPETING_DAYS * DAY_US
    ]
    if not near:
        return Check(Note("no_competing_events"), "quiet")
    return Check(Note("competing_events", {"of": len(near), "events": ", ".join(sorted(near))}), "doubt")


def feed_checks(observatory: Observatory, effect: Effect, series: Series, origins: Sequence[str]) -> tuple[Check, ...]:
    """Of an effect on one feed's messages: groups of addresses, spelling of terms, the instrument."""
    if effect.ratio is None or effect.feed is None:
        return ()
    found = [
        instants(observatory, effect, origins),
        address_groups(observatory, effect, series, origins),
        instrument_check(observatory, effect),
        thinning_check(observatory, effect),
    ]
    if "," in effect.feed:
        among = feeds_check(observatory, effect, origins)
        found[:0] = [among, *levels_check(among)]
    if effect.measure.startswith("subject:"):
        found += keyword_drift(observatory, effect, origins)
    return tuple(found)


def ratio_of(effect: Effect, series: Series) -> Interval | None:
    """The headline's question, asked of another series in the same bins."""
    return estimate_effect(
        series,
        effect.cut,
        before=effect.before,
        after=effect.after,
        diagnostics="none",
        shape="averaged" if effect.shape == "auto" else effect.shape,
    ).ratio


def feeds_check(observatory: Observatory, effect: Effect, origins: Sequence[str]) -> Check:
    """The headline without each feed in turn, and of each alone."""
    assert effect.feed is not None and effect.ratio is not None
    names = effect.feed.split(",")
    window = Window(effect.before.start, effect.after.end)
    rows: Rows = []
    for name in names:
        left = ",".join(n for n in names if n != name)
        for label, asked in ((f"without {name}", left), (f"{name} alone", name)):
            if label.startswith("without") or len(names) > 2:
                series = measured(observatory, effect.measure, asked, cut=effect.cut, window=window, origins=origins)
                rows.append((label, ratio_of(effect, series)))
    return check_rows(Note("feeds_check"), rows, effect.ratio)


def levels_check(among: Check) -> tuple[Check, ...]:
    """Each feed's own ratio, drawn towards what all say as far as they agree; nothing for fewer than three feeds with a figure."""
    alone = [(label.removesuffix(" alone"), r) for label, r in among.rows if label.endswith(" alone")]
    given = [(name, r) for name, r in alone if r is not None]
    levels = pooled_levels([r for _, r in given])
    if levels is None:
        return ()
    rows = tuple((f"{name}, partially pooled", r) for (name, _), r in zip(given, levels.ratios, strict=True))
    values = [r.value for _, r in rows]
    facts: dict[str, Fact] = {
        "feeds": len(rows),
        "between": levels.between,
        "lowest": min(values),
        "highest": max(values),
    }
    return (Check(Note("levels_check", facts), "quiet", rows),)


def instants(observatory: Observatory, effect: Effect, origins: Sequence[str]) -> Check:
    """The headline with the cut moved by hours, the days counted anew from there."""
    assert effect.feed is not None and effect.ratio is not None
    rows: Rows = []
    for hours in INSTANTS:
        at = effect.cut + hours * HOUR_US
        before, after = Window(effect.before.start, at), Window(at, effect.after.end)
        window = Window(before.start, after.end)
        series = measured(observatory, effect.measure, effect.feed, cut=at, window=window, origins=origins)
        found = estimate_effect(series, at, before=before, after=after, diagnostics="none").ratio
        rows.append((f"{hours:+d} h", found))
    return check_rows(Note("instants_check"), rows, effect.ratio, apart=False)


def address_groups(observatory: Observatory, effect: Effect, series: Series, origins: Sequence[str]) -> Check:
    """The headline without each group of addresses: domains where there are several, else four groups by a hash of the address.

    A message belongs to its first recipient. Groups are numbered; which address is in which is not told.
    """
    assert effect.feed is not None and effect.ratio is not None
    count = observatory.counted(effect.measure)
    window = Window(int(series.starts[0]), int(series.starts[-1]) + series.bin_us)
    with open_engine(observatory.workspace) as engine:
        rows = engine.run(
            counts_by_recipient(count, bin_us=series.bin_us, anchor=effect.cut, feeds=effect.feed.split(","), origins=origins, window=window)
        )  # fmt: skip
    addresses = [str(a or "") for a in rows["address"].to_pylist()]
    places = np.array(rows["bin"].to_pylist(), dtype=np.int64) - (window.start - effect.cut) // series.bin_us
    amounts = np.array(rows["n"].to_pylist(), dtype=np.float64)
    of = _grouped(addresses, amounts)
    total = max(1.0, float(amounts.sum()))
    answers: Rows = []
    for number in sorted(set(of.tolist())):
        own = np.zeros(len(series.starts))
        mine = of == number
        np.add.at(own, places[mine], amounts[mine])
        share = float(own.sum()) / total
        left = replace(series, counts=np.maximum(series.counts - own, 0.0))
        answers.append((f"without group {number + 1} ({share:.0%})", ratio_of(effect, left) if share < 1 else None))
    return check_rows(Note("address_groups_check"), answers, effect.ratio)


def _grouped(addresses: Sequence[str], amounts: Any) -> Any:
    """The group of each row: its domain's, where at least two have a twentieth each; else by a hash of the address."""
    domains = [a.rpartition("@")[2] for a in addresses]
    shares: dict[str, float] = {}
    for domain, n in zip(domains, amounts, strict=True):
        shares[domain] = shares.get(domain, 0.0) + float(n)
    large = sorted(d for d, n in shares.items() if n >= 0.05 * amounts.sum())
    if len(large) >= 2:
        numbers = {d: i for i, d in enumerate(large)}
        return np.array([numbers.get(d, len(large)) for d in domains], dtype=np.int64)
    hashes = [hashlib.sha256(a.encode()).digest()[0] % GROUPS for a in addresses]
    return np.array(hashes, dtype=np.int64)


def keyword_drift(observatory: Observatory, effect: Effect, origins: Sequence[str]) -> list[Check]:
    """Each word alone, the words as written, and the topic that most of these messages have, at the same cut."""
    measure = parse_measure(effect.measure)
    if not isinstance(measure, Count) or effect.ratio is None or effect.feed is None:
        return []
    words = measure.text.removeprefix("subject:").split(",")
    asked = [f"subject-literal:{','.join(words)}", *([f"subject:{w}" for w in words] if len(words) > 1 else [])]
    with open_engine(observatory.workspace) as engine:
        topics = engine.run(topics_among(measure.tree, feeds=effect.feed.split(","), origins=origins))[
            "topic"
        ].to_pylist()
    topic = next((str(t) for t in topics if t and t != "other"), None)
    how: dict[str, Any] = {
        "cut": effect.cut, "window": Window(effect.before.start, effect.after.end), "origins": origins,
    }  # fmt: skip
    answers: Rows = [(m, ratio_of(effect, measured(observatory, m, effect.feed, **how))) for m in asked]
    checks = [check_rows(Note("terms_check"), answers, effect.ratio)]
    if topic is not None:
        beside = ratio_of(effect, measured(observatory, f"topic:{topic}", effect.feed, **how))
        own = effect.ratio
        if beside is not None and (beside.low > own.high or beside.high < own.low):
            facts = {"terms": own.value, "topic": beside.value}
            checks.append(Check(Note("term_to_topic", facts), "doubt", ((f"topic:{topic}", beside),)))
        elif beside is not None:
            checks.append(check_rows(Note("topic_check"), [(f"topic:{topic}", beside)], own))
    return checks


def instrument_check(observatory: Observatory, effect: Effect) -> Check:
    """Persona, panel, place and filter of the feed within the windows."""
    assert effect.feed is not None
    window = Window(effect.before.start, effect.after.end)
    moments = {at for name in effect.feed.split(",") for at in changes_within(observatory.workspace, name, window)}
    if not moments:
        return Check(Note("instrument_steady"), "quiet")
    return Check(Note("instrument_moved", {"of": len(moments)}), "doubt")


def thinning_check(observatory: Observatory, effect: Effect) -> Check:
    """Messages of the windows whose bodies a policy removed: their facts are kept, and doubtful where they are of another version."""
    from spamtide.fingerprint import FACTS_VERSION

    assert effect.feed is not None
    feeds = effect.feed.split(",")
    entries = [
        r.body
        for r in observatory.workspace.archive.journal.read("thinning")
        if r.body["feed"] in feeds and r.body["first"] < effect.after.end and r.body["last"] >= effect.before.start
    ]
    if not entries:
        return Check(Note("not_thinned"), "quiet")
    old = [body for body in entries if body["facts_version"] != FACTS_VERSION]
    facts: dict[str, Fact] = {
        "messages": sum(len(b["ordinals"]) for b in entries),
        "other_version": sum(len(b["ordinals"]) for b in old),
    }
    return Check(Note("thinned_within", facts), "doubt" if old else "quiet")
