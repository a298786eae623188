"""Topics: letters of our own for each, the places and their points, the rule file, and how right it is on labelled mail."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import topic_measured
from doc_tables import ROOT, codes, section, tables
from loaded import loaded
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch
from spamtide.message import TOPICS, TOPICS_VERSION, fold, fold_words, topic

TWIN = loaded(ROOT / "bench" / "plain_topic.py").Rules(fold_words)
RULES = tomllib.loads((files("spamtide.message") / "topics.toml").read_text("utf-8"))
PLACES = ("subject", "text", "link", "attachment")
LETTERS = {
    "pharma": ("Your V.i.a.g.r.a order", "Generic tablets, no prescription needed, sent today."),
    "replica": ("A gift for him", "Replica watches with the look of a Rolex, for a tenth of the price."),
    "casino": ("Bonus inside", "Our online casino has blackjack and roulette for every new player."),
    "dating": ("Hello from Anna", "I saw your profile. Hot singles near you want to chat with me and you tonight."),
    "phishing": (
        "Important notice",
        "Dear customer, please verify your account within 24 hours or it will be suspended.",
    ),
    "advance-fee": (
        "Dear friend",
        "I am Mrs. Example, the late husband of mine left an inheritance; be my next of kin.",
    ),
    "crypto": ("Claim now", "The airdrop is open: connect and claim your tokens, bitcoin and more coins."),
    "job": ("We are hiring", "Work from home, no experience needed, a monthly salary is paid."),
    "other": (
        "Agenda of the meeting",
        "Please find below what we shall talk about on Thursday afternoon in room four.",
    ),
    "unknown": ("hi", ""),
}


def mail(subject: str, text: str) -> bytes:
    return f"From: a@sender.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n".encode()


def attached(subject: str, text: str, name: str, body: bytes) -> bytes:
    head = (
        f"From: a@sender.example\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    )
    part = f"--B\nContent-Type: text/plain\n\n{text}\n--B\nContent-Type: application/octet-stream; name={name}\nContent-Disposition: attachment\n\n"
    return (head + part).encode() + body + b"\n--B--\n"


def topics(*mails: bytes) -> list[str]:
    batch = RecordBatch()
    for i, raw in enumerate(mails):
        batch.push(i, 0, b"{}", raw)
    return [str(t) for t in digest(1, batch)["message"]["topic"].to_pylist()]


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_has_its_topic(name: str) -> None:
    assert topics(mail(*LETTERS[name])) == [name]


def test_a_program_is_malware_whatever_its_name_says() -> None:
    letters = attached("Photos", "as you asked", "photo.jpg", b"MZ\x90\x00"), attached("Photos", "x", "a.scr", b"-")
    assert topics(*letters) == ["malware", "malware"]


def test_over_an_image_the_subject_decides() -> None:
    poem = "the river went its way and no one in the town looked up from work at home"
    silent, speaking = attached("Look", poem, "x.gif", b"GIF89a"), attached("Cheap viagra", poem, "x.gif", b"GIF89a")
    assert topics(silent, speaking) == ["unknown", "pharma"]


def test_hidden_text_does_not_count() -> None:
    hidden = (
        "<div style='display:none'>viagra cialis pharmacy</div><p>The minutes of the garden club are ready to read.</p>"
    )
    assert topics(b"From: a@b.example\nSubject: minutes\nContent-Type: text/html\n\n" + hidden.encode()) == ["other"]


def test_the_topics_are_those_of_the_document_in_its_order() -> None:
    rows = tables(section(ROOT / "docs" / "explanation" / "topics.md", "What counts as what"))[0]
    assert tuple(codes(row[0])[0] for row in rows) == TOPICS
    assert RULES["version"] == TOPICS_VERSION


def test_the_rule_file_obeys_its_schema_and_says_no_term_twice() -> None:
    schema = json.loads((files("spamtide.message") / "topics.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(RULES)
    said = Counter(
        (rule["topic"], place, term.startswith("*"), fold_words(term.strip("*")), term.endswith("*"))
        for rule in RULES["rule"]
        for term in rule["terms"]
        for place in PLACES
        if place in rule
    )
    assert [term for term, n in said.items() if n > 1] == []


def test_every_term_can_be_found_and_gives_its_points() -> None:
    for rule in RULES["rule"]:
        number = TOPICS.index(rule["topic"])
        for term in rule["terms"]:
            place = next(p for p in PLACES if p in rule)
            said = [fold(term.strip("*")) if p == place else "" for p in PLACES]
            assert topic(*said)[1][number] >= rule[place], term


WORDS = st.lists(
    st.sampled_from([t.strip("*") for r in RULES["rule"] for t in r["terms"]] + ["a", "gif", "the"]), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(st.tuples(WORDS, WORDS, WORDS, WORDS))
def test_the_kernel_and_its_plain_twin_agree(places: tuple[list[str], ...]) -> None:
    said = [fold(" ".join(words)) for words in places]
    assert topic(*said) == TWIN.topic(*said)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=4000))
def test_any_text_has_a_topic_and_only_its_head_is_looked_at(text: str) -> None:
    folded = fold(text)
    head = folded.encode()[: RULES["text_bytes"]].decode(errors="ignore")
    assert topic("", folded, "", "") == topic("", head, "", "") == TWIN.topic("", folded, "", "")


def test_search_and_series_by_topic(spamtide, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, letter in LETTERS.items():
        raw = b"Date: Wed, 16 Mar 2011 14:45:00 +0000\n" + mail(*letter)
        (tmp_path / "in" / f"{name}.eml").write_bytes(raw)
    spamtide("init", tmp_path / "w")
    in_w = ("--workspace", tmp_path / "w")
    assert spamtide(*in_w, "import", tmp_path / "in", "--feed", "trap").code == 0
    found = spamtide(*in_w, "search", "topic:(job OR casino)", "--jsonl").rows
    assert sorted(r["topic"] for r in found) == ["casino", "job"]
    counted = spamtide(*in_w, "series", "topic:job,casino", "--feed", "trap", "--json").json
    assert sum(row["count"] for row in counted["rows"]) == 2
    refused = spamtide(*in_w, "search", "topic:medicine")
    assert refused.code == 2 and "'medicine' is no topic" in refused.err and "advance-fee, crypto" in refused.err


def test_simulated_campaigns_have_the_topic_that_the_scenario_says(spamtide, tmp_path: Path) -> None:
    assert spamtide("simulate", "march-2011", "--scale", "0.01", "--out", tmp_path / "s").code == 0
    in_w = ("--workspace", tmp_path / "s" / "workspace")
    spamtide(*in_w, "digest")
    rows = spamtide(*in_w, "search", "subject:(viagra OR cialis)", "--jsonl").rows
    assert len(rows) > 100
    assert {r["topic"] for r in rows} == {"pharma"}


def test_intervals_are_wilsons() -> None:
    # R: prop.test(81, 263, correct = FALSE) gives .2553 to .3662.
    low, high = topic_measured.wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert topic_measured.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.proof
def test_topics_of_the_labelled_half_that_rules_were_written_with(corpus: Path) -> None:
    sample, rare = topic_measured.measured(corpus, "dev")
    print(topic_measured.table(sample), topic_measured.table(rare), sep="\n\n")
    for name, right, said, truly in topic_measured.rows(sample):
        if truly >= 15 and name != "unknown":
            assert right / said >= 0.9, name
        if truly >= 50:
            assert right / truly >= 0.9, name
