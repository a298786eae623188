"""The truth of each message, beside what the pipeline finds; the pipeline never reads it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from made_world import Made


def test_every_message_has_its_row_in_the_same_order(rich: Made) -> None:
    assert len(rich.truth) == len(rich.facts) > 4_000
    for t, f in zip(rich.truth, rich.facts, strict=True):
        assert (t["feed"], t["received_at"]) == (f["feed"], f["received_at"])
    for one, two in zip(rich.truth, rich.truth[1:], strict=False):
        assert one["feed"] != two["feed"] or (one["place"] + 1, True) == (
            two["place"],
            one["received_at"] <= two["received_at"],
        )


def test_groups_found_are_the_groups_planted_by_each_rule(rich: Made) -> None:
    for rule in ("exact", "identical"):
        found: dict[str, set[str]] = defaultdict(set)
        planted: dict[str, set[str]] = defaultdict(set)
        example: dict[str, Any] = {}
        for t, f in zip(rich.truth, rich.facts, strict=True):
            found[f[rule]].add(t[rule])
            planted[t[rule]].add(f[rule])
            example[t[rule]] = example[f[rule]] = (t["group"], t["form"], t["language"], f["subject"])
        assert [example[k] for k, v in found.items() if len(v) > 1] == []
        assert [example[k] for k, v in planted.items() if len(v) > 1] == []
    assert max(Counter(t["exact"] for t in rich.truth).values()) > 20
    # Each rule contains the one before: no two identical messages are of two exact groups, nor those of two campaigns.
    for inner, outer in (("identical", "exact"), ("exact", "near")):
        pairs = {(t[inner], t[outer]) for t in rich.truth if t["origin"] == "unsolicited"}
        assert len(pairs) == len({below for below, _ in pairs})


def test_origins_and_languages_found_are_those_planted(rich: Made) -> None:
    origins = Counter((t["origin"], f["origin"]) for t, f in zip(rich.truth, rich.facts, strict=True))
    assert {a for a, b in origins if a != b} == set(), origins
    assert {a for a, _ in origins} == {"unsolicited", "bounce", "auto-reply", "list", "relay-probe", "personal"}
    told = [
        (t["language"].split("-")[0], f["language"])
        for t, f in zip(rich.truth, rich.facts, strict=True)
        if t["form"] in ("text", "both") and t["origin"] == "unsolicited"
    ]
    assert {a for a, _ in told} == {"en", "nl", "pl", "ru", "zh", "ja"}
    # Tags and hash-busters are English words whatever the language.
    assert sum(a == b for a, b in told) > 0.9 * len(told), Counter(told)


def test_no_message_has_a_defect_of_its_own_making(rich: Made) -> None:
    defects = Counter(d for f in rich.facts for d in f["defects"].split())
    assert defects == Counter(), defects


def test_every_form_is_there_and_looks_like_it(rich: Made) -> None:
    by_form: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for t, f in zip(rich.truth, rich.facts, strict=True):
        by_form[t["form"]].append(f)
    assert set(by_form) == {"text", "html", "both", "image", "attachment", "report"}
    assert all(f["text_chars"] < 10 and f["attachment_count"] == 1 for f in by_form["image"])
    assert all(f["attachment_count"] == 1 for f in by_form["attachment"])
    hidden = [f["hidden_chars"] > 50 for f in by_form["both"]]
    assert 0.3 < sum(hidden) / len(hidden) < 0.7
    assert any("Mеn" in f["subject"] or "а" in f["subject"] for f in rich.facts if f["subject"])


def test_the_sender_written_is_the_bot_of_the_truth_at_its_address(rich: Made) -> None:
    bots = {(b["botnet"], b["bot"]): b for b in rich.table("bots")}
    held: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rich.table("addresses"):
        held[row["botnet"], row["bot"]].append(row)
    feeds = ["trap", "typo"]
    for t, f in zip(rich.truth, rich.facts, strict=True):
        who = (t["botnet"], t["bot"])
        at = f["received_at"]
        bot = bots[who]
        # A message that comes again may come after its bot was cleaned.
        if not t["retry"]:
            assert bot["infected_at"] <= at < bot["cleaned_at"]
            assert f["peer_address"] in {h["address"] for h in held[who] if h["start"] <= at < h["end"]}
        assert bot["feed"] in (-1, feeds.index(t["feed"]))


def test_populations_equal_what_the_truth_says(rich: Made) -> None:
    seen = {(t["botnet"], t["bot"]) for t in rich.truth}
    assert seen <= {(b["botnet"], b["bot"]) for b in rich.table("bots")}
    at = 1_710_115_200_000_000
    live = Counter(b["botnet"] for b in rich.table("bots") if b["infected_at"] <= at < b["cleaned_at"])
    assert (live["ember"], live["flint"], live["parish"]) == (1500, 120, 2)
    hits = Counter(t["bot"] for t in rich.truth if t["botnet"] == "ember")
    top = sum(n for _, n in hits.most_common(len(hits) // 10))
    assert top > 0.25 * sum(hits.values()), "a tenth of the bots sends far more than a tenth"
    both = {t["bot"] for t in rich.truth if t["botnet"] == "flint" and t["feed"] == "trap"}
    assert not both & {t["bot"] for t in rich.truth if t["botnet"] == "flint" and t["feed"] == "typo"}


def test_counts_written_are_those_drawn_from_the_true_rates(rich: Made) -> None:
    hour = 3_600_000_000
    written = Counter((t["received_at"] // hour * hour, t["feed"], t["group"]) for t in rich.truth if not t["retry"])
    expected = realised = 0.0
    for row in rich.table("rates"):
        assert written[row["hour_start"], row["feed"], row["group"]] == row["drawn"]
        expected += row["expected"]
        realised += row["drawn"]
    assert abs(realised - expected) < 4 * expected**0.5


def test_what_comes_again_is_the_same_message_marked_so(rich: Made) -> None:
    first: dict[tuple[str, int], dict[str, Any]] = {}
    again = 0
    for t, f in zip(rich.truth, rich.facts, strict=True):
        key = (t["feed"], t["delivery"])
        if not t["retry"]:
            first[key] = f
            continue
        again += 1
        assert " retry " in f["marks"]
        assert " reply_lost " in first[key]["marks"]
        assert first[key]["identical"] == f["identical"]
        assert first[key]["envelope_from"] == f["envelope_from"]
        assert 0 < f["received_at"] - first[key]["received_at"] < 6 * 3_600_000_000
    assert again > 20
    unfinished = [(t["unfinished"], " unfinished " in f["marks"]) for t, f in zip(rich.truth, rich.facts, strict=True)]
    assert all(a == b for a, b in unfinished) and any(a for a, _ in unfinished)
