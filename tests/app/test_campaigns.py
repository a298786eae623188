"""Campaigns on the command line: import groups, ids last, every question finds the same messages.

The grouping is a stand-in here: two exact groups that share a third of their shingles are one campaign.
"""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import spamtide
from conftest import Ran, Spamtide
from spamtide.app import settling
from spamtide.app.backgroundgrouping import BackgroundGrouping
from spamtide.archive import ExactGroups, Generations
from spamtide.campaign import Settled, campaign_id

PILLS = "buy the blue pills of the best quality at half the price today dear friend and wait no longer"
WATCH = "a fine watch of swiss look is what every gentleman should wear at his wrist in this season of the year"
NEWS = "the council met on monday to discuss the new bridge over the river and its many costs for the town"


def shingles(data: bytes) -> set[int]:
    return set(struct.unpack(f"<{len(data) // 8}q", data))


def labelled(labels: Iterable[int], edges: Sequence[tuple[int, int]] = ()) -> Settled:
    columns = {
        "leader": pa.array([a for a, _ in edges], pa.int32()), "member": pa.array([b for _, b in edges], pa.int32()),
        "similarity": pa.array([700] * len(edges), pa.int32()), "needed": pa.array([400] * len(edges), pa.int32()),
        "by": pa.array(["text"] * len(edges), pa.string()), "shingle": pa.array([-1] * len(edges), pa.int64()),
    }  # fmt: skip
    return Settled(pa.array(list(labels), pa.int32()), pa.table(columns), 0)


def alike(fingerprints: pa.Table, share: float = 1 / 3) -> Settled:
    """Connected by a third of shared shingles; whatever the order of the rows."""
    sets = [shingles(s) for s in fingerprints["shingles"].to_pylist()]
    label = list(range(len(sets)))
    edges = []

    def root(i: int) -> int:
        while label[i] != i:
            i = label[i]
        return i

    for i, j in itertools.combinations(range(len(sets)), 2):
        if sets[i] and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= share:
            if root(i) != root(j):
                edges.append((i, j))
            label[root(i)] = root(j)
    return labelled((root(i) for i in range(len(sets))), edges)


def together(fingerprints: pa.Table) -> Settled:
    return labelled(0 for _ in range(fingerprints.num_rows))


def apart(fingerprints: pa.Table) -> Settled:
    return labelled(range(fingerprints.num_rows))


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch):
    """Sets the rule of grouping, under a name of its own so that what was grouped is stale."""
    number = itertools.count()

    def use(settle: Any) -> None:
        monkeypatch.setattr("spamtide.campaign.settle_sorted", lambda rows, **_: settle(pa.Table.from_batches(rows)))
        monkeypatch.setattr(settling, "METHOD", f"stand-in-{next(number)}")

    use(alike)
    return use


def mail(day: int, subject: str, text: str, sender: str = "a@b.example", peer: str = "192.0.2.7") -> str:
    return (
        f"From x Mon Mar {day:2d} 10:00:00 2011\nReceived: from a ([{peer}]) by b; {day} Mar 2011 10:00:00 +0000\n"
        f"From: {sender}\nSubject: {subject}\n\n{text}\n\n"
    )


LETTERS = [
    mail(7, "Blue pills", PILLS + " http://pills.example/x"), mail(8, "Blue pills", PILLS + " http://pills.example/y", "c@d.example"),
    mail(9, "Blue pills now", PILLS + " again", peer="198.51.100.9"), mail(9, "Watches", WATCH), mail(10, "Watches", WATCH),
    mail(11, "Bridge", NEWS),
]  # fmt: skip


@pytest.fixture(scope="module")
def imported(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with six letters in two feeds: pills three times in two wordings, watches twice, news once."""
    folder: Path = tmp_path_factory.mktemp("campaigns")
    assert spamtide("init", folder / "w").code == 0
    for feed, letters in (("one", LETTERS[:4]), ("two", LETTERS[4:])):
        (folder / f"{feed}.mbox").write_text("".join(letters))
        ran = spamtide("--workspace", folder / "w", "import", folder / f"{feed}.mbox", "--feed", feed, "--json")
        assert ran.code == 0, ran.err
        assert ran.json["grouped"]["new"]
    return folder / "w"


@pytest.fixture
def use(spamtide: Spamtide, rule: Any, imported: Path, tmp_path: Path):
    """That workspace, a copy of its own, grouped by the stand-in."""
    shutil.copytree(imported, tmp_path / "w")
    call = functools.partial(spamtide, "--workspace", tmp_path / "w")
    assert call("campaigns", "settle").code == 0
    return call


def rows(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    return ran.rows


def test_an_import_groups_what_came(use) -> None:
    listed = rows(use("campaigns", "--jsonl"))
    assert [(r["messages"], r["exact_groups"], r["subjects"]) for r in listed] == [
        (3, 2, ["Blue pills", "Blue pills now"]), (2, 1, ["Watches"]), (1, 1, ["Bridge"])
    ]  # fmt: skip
    assert [r["feeds"] for r in listed] == [["one"], ["one", "two"], ["two"]]
    assert (listed[0]["first_seen"], listed[0]["last_seen"]) == ("2011-03-07T10:00:00Z", "2011-03-09T10:00:00Z")
    assert {r["generation"] for r in listed} == {3}
    assert listed[0]["template"] is listed[0]["regex"] is None
    assert use("campaigns", "list", "--jsonl").rows == listed == use("campaigns", "--json").json["items"]


def test_search_rows_carry_the_campaign_of_the_earliest_exact_group(use) -> None:
    found = rows(use("search", "", "--jsonl"))
    pills = [r for r in found if r["subject"].startswith("Blue")]
    assert {r["campaign"] for r in pills} == {campaign_id(pills[0]["exact"])}
    assert len({r["campaign"] for r in found}) == 3
    assert use("search", "", "--json").json["generation"] == 3


@pytest.mark.parametrize(
    "query", ["campaign:{}", "subject:pills campaign:{}", "text:quality campaign:{}", "NOT NOT campaign:{}"]
)
def test_a_query_by_campaign_finds_its_messages(use, query: str) -> None:
    one = rows(use("campaigns", "--jsonl"))[0]["campaign"]
    assert [r["subject"] for r in rows(use("search", query.format(one), "--jsonl"))] == [
        "Blue pills",
        "Blue pills",
        "Blue pills now",
    ]
    assert use("search", query.format(one), "--by", "day", "--json").json["total"] == 3
    others = rows(use("search", f"NOT campaign:{one}", "--jsonl"))
    assert [r["subject"] for r in others] == ["Watches", "Watches", "Bridge"]


def test_a_campaign_is_a_measure(use) -> None:
    one = rows(use("campaigns", "--jsonl"))[0]["campaign"]
    document = use("series", f"campaign:{one}", "--feed", "one", "--json").json
    assert (document["measure"], document["generation"]) == (f"campaign:{one}", 3)
    assert [r["count"] for r in document["rows"]] == [1, 1, 1]
    both = use("series", f"share:campaign:{one}", "--feed", "one", "--json").json
    assert [r["count"] for r in both["rows"]] == [1, 1, 0.5]


@pytest.mark.parametrize(
    "question",
    [
        ("search", "campaign:c-nowhere"),
        ("series", "campaign:c-nowhere", "--feed", "one"),
        ("campaigns", "show", "c-nowhere"),
    ],
)
def test_an_id_that_never_was_is_wrong_use(use, question: tuple[str, ...]) -> None:
    ran = use(*question, "--json")
    assert (ran.code, ran.json["error"], ran.json["campaign"]) == (2, "unknown_campaign", "c-nowhere")


def test_each_rule_contains_the_one_before(use) -> None:
    window = ("--window", "2011-03-07/2011-03-10", "--feed", "one", "--json")
    shares = []
    for name in ("identical", "exact", "near"):
        document = use("duplicates", "--rule", name, *window).json
        shares.append(document["windows"][0]["in_group"]["value"])
        assert document["generation"] == (3 if name == "near" else None)
    assert shares == [0, 0.5, 0.75]
    found = rows(use("search", "", "--jsonl"))
    for inner, outer in (("sha256", "exact"), ("exact", "campaign")):
        assert len({(r[inner], r[outer]) for r in found}) == len({r[inner] for r in found})


def test_near_counts_by_bin(use) -> None:
    document = use("series", "duplicates:near", "--feed", "one", "--by", "week", "--json").json
    assert [r["count"] for r in document["rows"]] == [3]


def test_lists_are_narrowed(use) -> None:
    assert [r["subjects"][0] for r in rows(use("campaigns", "--new-since", "2011-03-09", "--jsonl"))] == [
        "Watches",
        "Bridge",
    ]
    two = rows(use("campaigns", "--feed", "two", "--jsonl"))
    assert [(r["subjects"], r["messages"]) for r in two] == [(["Bridge"], 1), (["Watches"], 1)] or [
        r["messages"] for r in two
    ] == [1, 1]
    assert use("campaigns", "--new-since", "1d", "--jsonl").code == 1
    assert len(rows(use("campaigns", "--limit", "1", "--jsonl"))) == 1
    assert len(rows(use("campaigns", "--min-messages", "2", "--jsonl"))) == 2
    text = use("campaigns")
    assert text.code == 0 and "Blue pills" in text.out and "Bridge" not in text.out
    assert rows(use("campaigns", "--origin", "unsolicited", "--jsonl")) == rows(use("campaigns", "--jsonl"))


def test_a_campaign_shows_what_is_known_of_it(use) -> None:
    one = rows(use("campaigns", "--jsonl"))[0]["campaign"]
    d = use("campaigns", "show", one, "--json").json
    assert (d["messages"], d["exact_groups"], d["peers"], d["networks"]) == (3, 2, 2, 2)
    assert d["by_hour"] == [{"time": f"2011-03-0{n}T10:00:00Z", "count": 1} for n in (7, 8, 9)]
    assert [(r["subject"], r["messages"]) for r in d["by_subject"]] == [("Blue pills", 2), ("Blue pills now", 1)]
    assert [(r["domain"], r["messages"]) for r in d["by_domain"]] == [("pills.example", 2)]
    assert [r["peer"] for r in d["by_peer"]] == ["192.0.2.7", "198.51.100.9"]
    assert d["example"]["subject"] == "Blue pills" and "blue pills of the best quality" in d["example"]["text"]
    same, other = d["variants"]
    assert same["diff"] == [] and ["+", "now"] in other["diff"] and ["+", "again"] in other["diff"]
    assert (d["became"], d["aliases"], d["generation"]) == (None, [], 3)
    text = use("campaigns", "show", one)
    assert text.code == 0 and "3 messages, 2 exact groups" in text.out and "{+again+}" in text.out


def test_two_campaigns_are_compared(use) -> None:
    a, b = (r["campaign"] for r in rows(use("campaigns", "--jsonl"))[:2])
    d = use("campaigns", "diff", a, b, "--json").json
    assert (d["a"]["campaign"], d["b"]["campaign"], d["same"]) == (a, b, False)
    shared = {r["what"]: (r["a"], r["b"], r["both"]) for r in d["shared"]}
    assert shared["peers"] == (2, 1, 1) and shared["subjects"] == (2, 1, 0) and shared["domains"] == (1, 0, 0)
    assert use("campaigns", "diff", a, a, "--json").json["diff"] == []
    assert "both" in use("campaigns", "diff", a, b).out


def test_two_messages_are_explained(use) -> None:
    first, second, third, watch = (r["id"] for r in rows(use("search", "", "--jsonl"))[:4])
    exact = use("campaigns", "explain", first, second, "--json").json
    assert (exact["same"], exact["same_exact"], exact["path"]) == (True, True, [exact["a"]["exact"]])
    near = use("campaigns", "explain", first, third, "--json").json
    assert (near["same"], near["same_exact"], near["path"]) == (True, False, [near["a"]["exact"], near["b"]["exact"]])
    assert [(r["similarity"], r["needed"], r["shingle"]) for r in near["reasons"]] == [(0.7, 0.4, "f" * 16)]
    assert "similar by 0.70, 0.40 was needed" in use("campaigns", "explain", first, third).out
    other = use("campaigns", "explain", first, watch, "--json").json
    assert (other["same"], other["same_exact"], other["path"], other["reasons"]) == (False, False, None, [])
    assert "Two campaigns" in use("campaigns", "explain", first, watch).out
    assert use("campaigns", "explain", first, "one/import-000001/99", "--json").json["error"] == "unknown_message"


def test_an_old_id_leads_to_where_its_messages_are(use, rule: Any) -> None:
    pills, watch, _ = rows(use("campaigns", "--jsonl"))
    rule(together)
    done = use("campaigns", "settle", "--json").json
    assert (done["new"], done["campaigns"], done["changed"]) == (True, 1, {"merged": 2})
    d = use("campaigns", "show", watch["campaign"], "--json").json
    assert (d["asked"], d["campaign"], d["messages"]) == (watch["campaign"], pills["campaign"], 6)
    assert d["became"]["why"] == "merged" and d["became"]["now"] == [pills["campaign"]]
    assert watch["campaign"] in [a["campaign"] for a in d["aliases"]]
    assert len(rows(use("search", f"campaign:{watch['campaign']}", "--jsonl"))) == 6
    assert "was merged" in use("campaigns", "show", watch["campaign"]).out

    rule(alike)
    assert use("campaigns", "settle", "--json").json["changed"] == {"split": 1}
    d = use("campaigns", "show", pills["campaign"], "--json").json
    assert (d["messages"], d["became"]["why"]) == (3, "split"), "a split is recorded, never silent"
    assert set(d["became"]["now"]) == {r["campaign"] for r in rows(use("campaigns", "--jsonl"))}
    assert use("campaigns", "show", watch["campaign"], "--json").json["messages"] == 2, "it lives again"


def test_an_earlier_message_renames_and_the_old_id_stays(use, tmp_path: Path) -> None:
    old = rows(use("campaigns", "--jsonl"))[0]["campaign"]
    (tmp_path / "early.mbox").write_text(mail(1, "Blue pills early", PILLS + " first of all"))
    assert use("import", tmp_path / "early.mbox", "--feed", "one").code == 0
    new = rows(use("campaigns", "--jsonl"))[0]
    assert new["campaign"] != old and new["messages"] == 4
    d = use("campaigns", "show", old, "--json").json
    assert (d["campaign"], d["became"]["why"]) == (new["campaign"], "renamed")


def test_aliases_outlive_the_tables(use, rule: Any, tmp_path: Path) -> None:
    pills, watch, _ = rows(use("campaigns", "--jsonl"))
    rule(together)
    use("campaigns", "settle")
    (tmp_path / "w" / "archive" / "tables").rename(tmp_path / "gone")
    assert use("digest").code == 0
    assert use("campaigns", "show", watch["campaign"], "--json").json["campaign"] == pills["campaign"]


def test_a_settling_that_dies_is_made_again_and_counts_once(use, rule: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(use("campaigns", "--jsonl"))
    rule(together)
    with monkeypatch.context() as patch:
        patch.setattr(ExactGroups, "campaigns", lambda *_: 1 / 0)
        assert use("campaigns", "settle").code == 4
    rule(alike)
    assert rows(use("campaigns", "--jsonl"))[0]["campaign"] == before[0]["campaign"]
    assert use("campaigns", "show", before[1]["campaign"], "--json").json["became"] is None, (
        "what was never named befell nobody"
    )


def test_what_is_erased_leaves_the_generation(use, tmp_path: Path) -> None:
    news = rows(use("campaigns", "--jsonl"))[2]["campaign"]
    assert use("archive", "erase", "subject:bridge", "--reason", "asked", "--yes").code == 0
    assert [r["messages"] for r in rows(use("campaigns", "--jsonl"))] == [3, 2]
    ran = use("campaigns", "show", news, "--json")
    assert (ran.code, ran.json["error"]) == (1, "campaign_gone")
    assert use("search", f"campaign:{news}", "--jsonl").code == 1
    assert len(list((tmp_path / "w" / "archive" / "tables" / "generations" / "campaign").iterdir())) == 1


def test_the_grouping_does_not_depend_on_order_or_parts(spamtide: Spamtide, rule: Any, tmp_path: Path) -> None:
    found = []
    for n, order in enumerate(([0, 1, 2, 3, 4, 5], [5, 3, 1, 4, 2, 0], [2, 0, 5, 4, 3, 1])):
        use = functools.partial(spamtide, "--workspace", tmp_path / f"w{n}")
        spamtide("init", tmp_path / f"w{n}")
        for start in range(0, 6, 1 + 2 * n):
            path = tmp_path / f"{n}-{start}.mbox"
            path.write_text("".join(LETTERS[i] for i in order[start : start + 1 + 2 * n]))
            assert use("import", path, "--feed", "f").code == 0
        shown = rows(use("campaigns", "--jsonl"))
        found.append([{k: v for k, v in r.items() if k != "generation"} for r in shown])
    assert found[0] == found[1] == found[2]


def test_a_following_digest_groups_what_was_settled(use, rule: Any, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    rule(together)
    grouping = BackgroundGrouping(
        spamtide.open(tmp_path / "w").workspace, clock=lambda: 1_300_000_000_000_000, tell=told.append
    )
    grouping.look()
    grouping.wait()
    assert [(e["event"], e["messages"], e["campaigns"]) for e in told] == [("digest.grouped", 6, 1)]
    grouping.wanted = True
    grouping.look()
    assert grouping.wanted, "it rests: a grouping looks at every message"


def test_nothing_new_is_not_grouped_again(use, rule: Any) -> None:
    assert use("campaigns", "settle", "--json").json["new"] is False
    assert use("digest", "--compact", "--json").json["grouped"]["new"] is False, "gathering days moves no message"


def test_where_nothing_came_there_is_no_campaign(spamtide: Spamtide, tmp_path: Path) -> None:
    spamtide("init", tmp_path / "w")
    ran = spamtide("--workspace", tmp_path / "w", "campaigns", "--json")
    assert (ran.code, ran.json["error"]) == (1, "no_data")


def test_what_is_stored_is_what_measure_computes(use, tmp_path: Path) -> None:
    """The tables of a generation come from SQL of the archive; lists by feed and origin from an expression."""
    observatory = spamtide.open(tmp_path / "w")
    current = Generations(observatory.workspace.archive.root, "campaign").current()
    assert current is not None
    stored = pq.read_table(current.tables["campaign"].path)
    assert (
        stored.to_pylist() == observatory.campaigns().to_pylist() == observatory.campaigns(["one", "two"]).to_pylist()
    )


def test_python_asks_the_same(use, tmp_path: Path) -> None:
    observatory = spamtide.open(tmp_path / "w")
    table = observatory.campaigns()
    assert isinstance(table.to_arrow(), pa.Table) and table["messages"].to_pylist() == [3, 2, 1]
    assert observatory.campaigns(["two"])["messages"].to_pylist() == [1, 1]
    one = table["campaign"][0].as_py()
    assert observatory.campaign(one)["messages"] == 3
    ids = [r["id"] for r in observatory.search(f"campaign:{one}")]
    assert observatory.explain(ids[0], ids[2])["same"] is True


def test_the_door_of_the_grouping_sees_each_exact_group_once(use, rule: Any) -> None:
    seen: list[pa.Table] = []

    def look(fingerprints: pa.Table) -> Settled:
        seen.append(fingerprints)
        return apart(fingerprints)

    rule(look)
    use("campaigns", "settle")
    assert sorted(seen[0].column_names)[:1] == ["exact"] and "shingles" in seen[0].column_names
    exact = seen[0]["exact"].to_pylist()
    assert len(set(exact)) == 4 and exact == sorted(exact)
    assert Generations(Path(use.args[1]) / "archive", "campaign").current() is not None


def test_a_campaign_shows_the_template_that_its_messages_were_filled_in_from(
    spamtide: Spamtide, tmp_path: Path
) -> None:
    use = ("--workspace", tmp_path / "w")
    assert spamtide("init", tmp_path / "w").code == 0
    names = ["anna", "bert", "carla", "dora", "emil", "frida", "georg", "heidi", "ilse", "jonas", "karl", "lena"]
    letter = "Dear {}, {} Your code is {}, visit our little shop behind the old market place before Friday"
    said = [letter.format(n, PILLS, 1000 + i) for i, n in enumerate(names)] + [NEWS, WATCH]
    box = tmp_path / "spam.mbox"
    box.write_text(
        "".join(
            f"From x Mon Mar  7 10:{i:02d}:00 2011\nFrom: a@b.example\nSubject: An offer for {t.split()[1]}\n\n{t}\n\n"
            for i, t in enumerate(said)
        )
    )
    assert spamtide(*use, "import", box, "--feed", "f").code == 0
    listed = spamtide(*use, "campaigns", "list", "--json").json["items"]
    assert listed[0]["messages"] == len(names)
    shown = spamtide(*use, "campaigns", "show", listed[0]["campaign"], "--json").json
    assert "blue pills" in shown["template"] and "{" in shown["template"]
    assert shown["templates"][0]["held_back"]["n"] > 0 and shown["template_refused"] is None
    titles = [f"an offer for {t.split()[1].lower()}" for t in said]
    both = [
        (re.search(shown["regex"], t.lower()), re.search(shown["subject_regex"], h))
        for t, h in zip(said, titles, strict=True)
    ]
    found = [bool(body and subject) for body, subject in both]
    assert found == [True] * len(names) + [False, False]
    few = spamtide(*use, "campaigns", "show", listed[-1]["campaign"], "--json").json
    assert few["template"] is None and few["template_refused"]["reason"] == "too_few"
    assert spamtide(*use, "campaigns", "show", listed[0]["campaign"], "--no-template", "--json").json["templates"] == []


def test_a_template_lives_on_with_its_campaign_and_not_with_what_was_erased(spamtide: Spamtide, tmp_path: Path) -> None:
    use = ("--workspace", tmp_path / "w")
    assert spamtide("init", tmp_path / "w").code == 0
    box, more = tmp_path / "spam.mbox", tmp_path / "more.mbox"
    letter = "Dear {}, {} Your code is {}, visit our little shop behind the old market place before Friday"
    names = ["anna", "bert", "carla", "dora", "emil", "frida", "georg", "heidi"]

    def write(path: Path, some: list[str], minute: int) -> None:
        mails = (
            f"From x Mon Mar  7 10:{minute + i:02d}:00 2011\nFrom: a@b.example\nSubject: An offer for {n}\n\n{letter.format(n, PILLS, i)}\n\n"
            for i, n in enumerate(some)
        )
        path.write_text("".join(mails))

    def listed() -> dict[str, Any]:
        row: dict[str, Any] = spamtide(*use, "campaigns", "list", "--json").json["items"][0]
        return row

    write(box, names[:6], 0)
    assert spamtide(*use, "import", box, "--feed", "f").code == 0
    first = spamtide(*use, "campaigns", "show", listed()["campaign"], "--json").json
    assert first["template"] is not None
    # An earlier message joins, so the campaign has another id; its template goes with it, and nobody asked again.
    write(more, ["aaron"], 30)
    more.write_text(more.read_text().replace("10:30:00", "09:30:00"))
    assert spamtide(*use, "import", more, "--feed", "f").code == 0
    after = listed()
    assert after["campaign"] != first["campaign"] and after["template"] == first["template"]
    # What it was learnt from is erased in part: nothing of it is kept.
    assert spamtide(*use, "archive", "erase", "subject:bert", "--reason", "asked for", "--yes").code == 0
    spamtide(*use, "campaigns", "settle")
    assert listed()["template"] is None
