"""``campaigns explain``: the path, what is shared as words, the slots of the template; and what lists show of templates."""

from __future__ import annotations

import functools
import itertools
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from campaign_texts import made, sentence, word
from conftest import Spamtide
from pictures import disguised, letter, mail, png

LINES = (
    "our orchard sells quinces to anyone who sends a letter before harvest begins",
    "every basket travels by mule across the northern ridge within nine evenings",
    "the parish clerk has certified that no quince was ever bruised on arrival",
)


def letters() -> list[tuple[str, str]]:
    """Thirty letters of one template with a name and a link in each, and others."""
    rng = random.Random(4)
    lexicon = [word(rng) for _ in range(500)]
    rows = []
    for i in range(30):
        text = [
            f"dear {word(rng)}x{i}, we write to you again",
            *LINES,
            f"order at http://shop{i}.example/{word(rng)} today",
        ]
        rows.append((f"Quinces for {word(rng)}", "\n".join(text)))
    rows += [(sentence(rng, lexicon)[:30], "\n".join(sentence(rng, lexicon) for _ in range(6))) for _ in range(40)]
    return rows


@pytest.fixture(scope="module")
def imported(spamtide: Spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("explain")
    mail = "".join(
        f"From x Mon Mar  7 10:00:{i % 60:02d} 2011\nFrom: a{i}@b.example\nSubject: {s}\n\n{t}\n\n"
        for i, (s, t) in enumerate(letters())
    )
    (folder / "m.mbox").write_text(mail)
    assert spamtide("init", folder / "w").code == 0
    assert spamtide("--workspace", folder / "w", "import", folder / "m.mbox", "--feed", "f").code == 0
    return folder / "w"


@pytest.fixture
def use(spamtide: Spamtide, imported: Path, tmp_path: Path):
    shutil.copytree(imported, tmp_path / "w")
    return functools.partial(spamtide, "--workspace", tmp_path / "w")


def members(use: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = use("search", "subject:quinces", "--jsonl").rows
    return rows


def test_two_members_share_words_and_differ_at_the_slots(use) -> None:
    a, b = members(use)[3], members(use)[17]
    texts = [" ".join(t.split()) for _, t in letters()]
    d = use("campaigns", "explain", a["id"], b["id"], "--json").json
    assert d["same"] and not d["same_exact"] and d["a"]["campaign"] == d["b"]["campaign"] == a["campaign"]
    assert (d["a"]["exact"], d["b"]["exact"]) == (a["exact"], b["exact"]), "digested again, it is what the tables hold"
    shared = d["shared"]
    assert 10 <= shared["both"] <= min(shared["a"], shared["b"]) and shared["unread"] == 0
    own = [w for w in shared["words"] if not w.startswith("subject: ") and "<url>" not in w]
    assert own and all(w in texts[3] and w in texts[17] for w in own)
    assert all(r["words"] is None or r["words"] in texts[3] or r["words"] in texts[17] for r in d["reasons"])
    assert any(r["words"] for r in d["reasons"])
    slots = {(s["a"], s["b"]) for s in d["template"]["slots"]}
    links = [t.split("order at ")[1].split(" today")[0] for t in texts[:30]]
    assert (links[3], links[17]) in slots
    text = use("campaigns", "explain", a["id"], b["id"]).out
    assert f"«{links[3]}»  «{links[17]}»" in text and "in both" in text and "shared: " in text


def test_the_path_of_any_pair_is_a_chain_of_near_steps(use) -> None:
    rows = members(use)
    pairs = random.Random(2).sample(list(itertools.combinations(rows, 2)), 15)
    for a, b in pairs:
        d = use("campaigns", "explain", a["id"], b["id"], "--json").json
        assert d["path"][0] == a["exact"] and d["path"][-1] == b["exact"] and len(d["path"]) == len(d["reasons"]) + 1
        for reason, (here, there) in zip(d["reasons"], itertools.pairwise(d["path"]), strict=True):
            assert (reason["from"], reason["to"]) == (here, there) and reason["similarity"] >= reason["needed"]


def test_two_campaigns_have_neither_path_nor_template_but_what_they_share(use) -> None:
    other = next(r for r in use("search", "", "--jsonl").rows if not r["subject"].startswith("Quinces"))
    d = use("campaigns", "explain", members(use)[0]["id"], other["id"], "--json").json
    assert (d["same"], d["path"], d["template"], d["shared"]["both"]) == (False, None, None, 0)


def test_a_thinned_message_is_explained_from_its_facts(use, tmp_path: Path) -> None:
    a, b = members(use)[3], members(use)[17]
    before = use("campaigns", "explain", a["id"], b["id"], "--json").json
    settings = tmp_path / "w" / "spamtide.toml"
    settings.write_text(settings.read_text() + "\n[feeds.f.retention]\nraw_days = 1\n")
    assert use("archive", "thin").code == 0
    after = use("campaigns", "explain", a["id"], b["id"], "--json").json
    for key in ("a", "b", "path", "same"):
        assert after[key] == before[key]
    assert after["shared"]["both"] == before["shared"]["both"] and after["shared"]["words"]


def test_what_is_not_there_is_said_and_what_was_inferred_of_it_is_gone(use, tmp_path: Path) -> None:
    first = members(use)[0]["id"]
    kept = "archive/tables/generations/campaign/*/templates/*.json"
    assert use("campaigns", "templates", "--limit", "1").code == 0 and list((tmp_path / "w").glob(kept))
    assert use("campaigns", "explain", first, "f/import-000001/9999", "--json").json["error"] == "unknown_message"
    assert use("campaigns", "explain", first, "nothing", "--json").json["error"] == "bad_message_id"
    assert use("archive", "erase", 'subject:"quinces"', "--reason", "asked", "--yes").code == 0
    assert use("campaigns", "explain", first, first, "--json").json["error"] == "unknown_message"
    assert list((tmp_path / "w").glob(kept)) == []


def test_a_template_that_was_inferred_stands_in_the_list_and_lives_on_with_its_campaign(use, tmp_path: Path) -> None:
    def top() -> dict[str, Any]:
        row: dict[str, Any] = use("campaigns", "--limit", "1", "--jsonl").rows[0]
        return row

    assert (top()["template"], top()["regex"]) == (None, None)
    done = use("campaigns", "templates", "--limit", "1", "--json").json
    (found,) = done["items"]
    assert found["new"] and found["refused"] is None and "quinces" in found["template"]
    assert not use("campaigns", "templates", "--limit", "1", "--json").json["items"][0]["new"]
    assert top()["template"] == found["template"] and top()["regex"]
    shown = use("campaigns", "show", top()["campaign"], "--json").json
    assert (shown["template"], shown["regex"]) == (top()["template"], top()["regex"])
    assert use("archive", "verify").code == 0
    # A file that was cut short is as none.
    (file,) = (tmp_path / "w").glob("archive/tables/generations/campaign/*/templates/*.json")
    file.write_text('{"method": ')
    assert top()["template"] is None
    assert (
        use("campaigns", "show", top()["campaign"], "--json").json["template"] == found["template"] == top()["template"]
    )
    (tmp_path / "more.mbox").write_text("From x Mon Mar  7 10:00:00 2011\nSubject: one\n\nsomething new\n")
    assert use("import", tmp_path / "more.mbox", "--feed", "f").code == 0
    assert top()["template"] == found["template"]


def test_a_list_goes_on_after_a_campaign(spamtide: Spamtide, tmp_path: Path) -> None:
    mail = "".join(
        f"From x Mon Mar  7 10:00:{i % 60:02d} 2011\nFrom: a@b.example\nSubject: {m.subject}\n\n{m.text}\n\n"
        for i, m in enumerate(made(3, campaigns=8, members=6, alone=9))
    )
    (tmp_path / "m.mbox").write_text(mail)
    use = functools.partial(spamtide, "--workspace", tmp_path / "w")
    assert spamtide("init", tmp_path / "w").code == 0
    assert use("import", tmp_path / "m.mbox", "--feed", "f").code == 0
    for more in ((), ("--feed", "f", "--new-since", "2011-03-07T10:00:05Z")):
        whole = use("campaigns", "list", *more, "--jsonl").rows
        pages: list[dict[str, Any]] = []
        cursor: tuple[str, ...] = ()
        while True:
            page = use("campaigns", "list", *more, "--limit", "6", *cursor, "--json").json
            pages += page["items"]
            if page["next"] is None:
                break
            assert page["next"] == page["items"][-1]["campaign"] and len(page["items"]) == 6
            cursor = ("--after", page["next"])
        assert pages == whole and len(whole) > 6, more
    assert f"--after {whole[0]['campaign']} shows the next" in use("campaigns", "list", *more, "--limit", "1").err
    assert use("campaigns", "list", "--after", whole[-1]["campaign"], *more, "--jsonl").code == 1
    for wrong, code in (("--after", "c-nowhere"), "unknown_campaign"), (("--feed", "nowhere"), "unknown_feed"):
        assert use("campaigns", "list", *wrong, "--json").json["error"] == code, "said before anything is printed"


def test_pictures_and_how_messages_are_built_are_named(spamtide: Spamtide, tmp_path: Path) -> None:
    rng, noise = random.Random(8), np.random.default_rng(8)
    one = letter(noise)
    mail_of = (
        mail(
            [png(disguised(one, noise))],
            subject=" ".join(word(rng) for _ in range(4)),
            html="<p><b><i><u><img src=cid:a>",
        )
        for _ in range(6)
    )
    mbox = b"".join(b"From x Mon Mar  7 10:00:00 2011\n" + raw + b"\n" for raw in mail_of)
    (tmp_path / "m.mbox").write_bytes(mbox)
    use = functools.partial(spamtide, "--workspace", tmp_path / "w")
    spamtide("init", tmp_path / "w")
    assert use("import", tmp_path / "m.mbox", "--feed", "f").code == 0
    of: dict[str, list[dict[str, Any]]] = {}
    for row in use("search", "", "--jsonl").rows:
        of.setdefault(row["campaign"], []).append(row)
    own = max(of.values(), key=len)
    assert len(own) >= 4
    d = use("campaigns", "explain", own[0]["id"], own[1]["id"], "--json").json
    assert {r["by"] for r in d["reasons"]} == {"picture"}
    assert all(0 <= r["differing_bits"] <= 12 and r["bits"] == 63 for r in d["reasons"])
    assert d["looks"]["forms"] == ["skeleton", "header order", "structure"]
    assert (d["looks"]["pictures"]["a"], d["looks"]["pictures"]["b"], d["looks"]["hosts"]) == (1, 1, 0)
    text = use("campaigns", "explain", own[0]["id"], own[1]["id"]).out
    step = d["reasons"][0]["differing_bits"]
    assert f"their pictures look alike: {step} of 63 bits differ" in text
    assert "built alike: skeleton, header order, structure" in text
