"""A list by SQL of our own is the list by Ibis: the same conditions, over other columns."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spamtide.archive import Engine, EngineOptions, Tables, read_spans, run_listing
from spamtide.fingerprint import FACTS_VERSION, TABLES, arrow_schema
from spamtide.measure import ListingAfter, arrival_bounds, list_messages, message_rows, parse_query
from spamtide.measure.query import And, Not, Or, Term, Tree

WORDS = ["viagra", "buy", "cheap", "pills", "number3", "paper", "b", "und", "en", "%", "_", "'", "\\"]
OPTIONS = EngineOptions(threads=1, memory_mib=256)


@pytest.fixture(scope="module")
def tables(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Sixty messages of two feeds, one of them gathered by day."""
    folder: Path = tmp_path_factory.mktemp("listing")
    use = ("--workspace", folder / "w")
    assert spamtide("init", folder / "w").code == 0
    for feed in ("a", "b"):
        with (folder / f"{feed}.mbox").open("w") as file:
            for n in range(30):
                word = WORDS[n % len(WORDS)]
                file.write(
                    f"From x Mon Mar {7 + n % 3:2d} {n % 24:02d}:00:00 2011\n"
                    + (
                        f"Received: from x ([192.0.2.{n + 1}]) by y; {7 + n % 3} Mar 2011 {n % 24:02d}:00:00 +0000\n"
                        if n % 2
                        else ""
                    )
                    + (f"From: {word} <{word[0]}{n}@b.example>\n" if n % 3 else "")
                    + f"Subject: Buy {word} 100% {feed}\n\n{word} cheap_number{n % 5} http://x{n % 4}.example/\n\n"
                )
        assert spamtide(*use, "import", folder / f"{feed}.mbox", "--feed", feed).code == 0
        if feed == "a":
            assert spamtide(*use, "digest", "--compact").code == 0
    return Tables(folder / "w" / "archive")


VALUE = st.sampled_from(WORDS).flatmap(lambda w: st.sampled_from([w, f"*{w}", f"{w}*", f"*{w}*", w[:3]]))
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["subject", "text", "from"]), VALUE, st.booleans()),
    st.builds(Term, st.sampled_from(["subject-literal", "domain", "peer", "feed"]), VALUE),
    st.builds(Term, st.just("peer"), st.sampled_from(["192.0.2.2", "192.0.2.*", "*.2.4", "*", "192.0.2.0/24"])),
    st.builds(Term, st.just("domain"), st.sampled_from(["x1.example", "*.example", "x*"])),
    st.builds(Term, st.just("feed"), st.sampled_from(["a", "b", "*"])),
    st.builds(Term, st.just("origin"), st.sampled_from(["unsolicited", "bounce"])),
    st.builds(Term, st.just("language"), st.sampled_from(["en", "und"])),
    st.builds(Term, st.just("defect"), st.sampled_from(["*", "no_from"])),
    st.builds(Term, st.sampled_from(["after", "before"]), st.sampled_from(["2011-03-08", "2011-03-08T12:00:00Z"])),
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


def foldable(tree: Tree) -> bool:
    """Whether every folded term has a letter or digit."""
    if isinstance(tree, Term):
        return tree.field not in ("subject", "text", "from") or tree.exact or any(c.isalnum() for c in tree.value)
    return all(foldable(t) for t in ((tree.inner,) if isinstance(tree, Not) else tree.parts))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=TREES.filter(foldable), limit=st.sampled_from([None, 1, 7]), feeds=st.sampled_from([(), ("a",), ("b", "a")])
)
def test_any_query_lists_the_same_by_both_ways(
    tables: Tables, tree: Tree, limit: int | None, feeds: tuple[str, ...]
) -> None:
    listing = list_messages(tree, feeds=feeds)
    since, until = arrival_bounds(tree)
    spans = read_spans(tables.root, FACTS_VERSION, feeds=feeds, since=since, until=until)
    ours = list(run_listing(tables.root, spans, listing, OPTIONS, limit=limit))
    schemas = {name: arrow_schema(name) for name in TABLES}
    with Engine(tables.snapshot(FACTS_VERSION), schemas, OPTIONS) as engine:
        theirs = engine.run(message_rows(tree, feeds=feeds, limit=limit)).to_pylist()
    # Behind its columns a row has its campaign: none, where no grouping is given.
    assert [dict(zip((*listing.columns, "campaign"), row, strict=True)) for row in ours] == [
        {**row, "campaign": None} for row in theirs
    ]
    if ours:
        place = dict(zip(listing.columns, ours[0][:-1], strict=True))
        after = ListingAfter(*(place[k] for k in ("feed", "received_at", "writer", "segment", "ordinal")))
        rest = list_messages(tree, feeds=feeds, after=after)
        more = None if limit is None else limit - 1
        if more != 0:
            assert list(run_listing(tables.root, spans, rest, OPTIONS, limit=more)) == ours[1:]


def test_spans_do_not_overlap_and_hold_every_message(tables: Tables) -> None:
    spans = read_spans(tables.root, FACTS_VERSION)
    assert [(s.feed, s.first) for s in spans] == sorted((s.feed, s.first) for s in spans)
    assert all(a.feed != b.feed or a.last < b.first for a, b in itertools.pairwise(spans))
    assert sum(p.rows for s in spans for p in s.parts(tables.root) if p.table == "message") == 60
    assert [s.feed for s in spans].count("a") == 3


def test_progress_counts_the_messages_looked_at(tables: Tables) -> None:
    seen: list[float] = []
    spans = read_spans(tables.root, FACTS_VERSION)
    listing = list_messages(parse_query("text:nothing"))
    assert list(run_listing(tables.root, spans, listing, OPTIONS, progress=seen.append)) == []
    assert seen == [60]


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ("", (None, None)),
        ("after:2011-03-08", (15041, None)),
        ("after:2011-03-08 subject:x before:2011-03-10", (15041, 15043)),
        ("after:2011-03-08 AND (after:2011-03-09 before:2011-03-12)", (15042, 15045)),
        ("after:2011-03-08 OR subject:x", (None, None)),
        ("NOT before:2011-03-08", (None, None)),
    ],
)
def test_bounds_of_arrival_are_those_that_every_match_has(query: str, bounds: tuple[int | None, int | None]) -> None:
    day = 86_400_000_000
    assert arrival_bounds(parse_query(query)) == tuple(None if b is None else b * day for b in bounds)
