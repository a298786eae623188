"""Templates of planted campaigns are found, say what was planted, and match what was not learnt from."""

from __future__ import annotations

import functools
import random as stdlib_random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import template_planted as planted
from spamtide.campaign.template import Anchor, Others, Refusal, Slot, Split, Template, Text, infer_template

KINDS = [
    planted.plain,
    planted.spintax,
    planted.shuffled,
    planted.leet,
    planted.bare,
    planted.empty,
    planted.chinese,
]


@functools.cache
def learnt(make, count: int) -> Template:
    """The template of a planted campaign; a function of the set, so one is enough for all tests."""
    return one(planted.campaign(make.__name__, make, count))


def one(members: list[Text], others: Others | None = None) -> Template:
    result = infer_template(members, others)
    assert isinstance(result, Template), result
    return result


def slots(template: Template) -> list[Slot]:
    return [p for line in (*template.subject, *template.body) for p in line.pieces if isinstance(p, Slot)]


@pytest.mark.parametrize("make", KINDS, ids=lambda m: m.__name__)
@pytest.mark.parametrize("count", [24, 60])
def test_members_never_seen_match(make, count) -> None:
    template = learnt(make, count)
    later = planted.campaign("later " + make.__name__, make, 200)
    share = sum(template.matches_each(later)) / len(later)
    assert share >= (0.95 if count >= 40 else 0.9), (share, template.body_regex)
    assert template.held_back.low < template.held_back.share <= 1


@pytest.mark.parametrize("make", KINDS, ids=lambda m: m.__name__)
def test_nothing_else_matches(make) -> None:
    template = learnt(make, 60)
    strangers = [
        Text("about the meeting", "could we move the meeting to thursday, the parish hall is being painted"),
        Text("quinces", "does anyone have quinces left? our cellar is empty and mother asks for marmalade"),
        Text("", ""),
        Text("(no subject)", "http://harmless.example/page"),
        Text("发票", "您好，附件是上个月的发票，请查收。"),
        *[
            t
            for other in KINDS
            if other is not make
            for t in planted.campaign("x", other, 20)
            if not _shared(make, other)
        ],
    ]
    assert not any(template.matches_each(strangers))
    assert template.chance < 1


def _shared(one: object, other: object) -> bool:
    """Campaigns that are made from the same lines on purpose."""
    lines = {planted.plain, planted.shuffled, planted.leet}
    return one in lines and other in lines


def test_macros_are_named_by_kind() -> None:
    template = learnt(planted.plain, 60)
    kinds = {slot.kind for slot in slots(template)}
    assert {"dictionary", "number", "url", "token"} <= kinds, template.text
    names = [slot.name for slot in slots(template)]
    assert len(names) == len(set(names))
    dictionary = next(s for s in slots(template) if s.kind == "dictionary")
    assert set(dictionary.values) <= {"ada", "boris", "chiara", "dong"}
    anchors = " ".join(p.text for line in template.body for p in line.pieces if isinstance(p, Anchor))
    assert planted.LINES[0] in anchors and planted.LINES[1] in anchors
    assert "{number}" in template.text and "your code is {" in template.text


def test_synonyms_are_a_dictionary_with_its_values() -> None:
    found = [set(s.values) for s in slots(learnt(planted.spintax, 60)) if s.kind == "dictionary"]
    assert {"finest", "sweetest"} in found
    assert {"today", "tonight", "now"} in found
    assert {"a jar", "two jars", "a barrel"} in found


def test_disguised_letters_are_read_as_what_they_show() -> None:
    template = learnt(planted.leet, 60)
    assert planted.LINES[1] in template.text
    assert any(p.disguised for line in template.body for p in line.pieces if isinstance(p, Anchor))


def test_shuffled_lines_are_said_to_be_in_any_order() -> None:
    template = learnt(planted.shuffled, 60)
    assert template.order == "any" and "(in any order)" in template.text
    assert {line.pieces[0].text for line in template.body} >= set(planted.LINES)


def test_a_template_is_a_function_of_the_set() -> None:
    members = planted.campaign("plain", planted.plain, 60)
    mixed = list(members)
    stdlib_random.Random(3).shuffle(mixed)
    assert infer_template(members) == infer_template(mixed)
    doubled = infer_template([Text(t.subject, t.body, 2) for t in mixed])
    assert doubled == infer_template(members + mixed)


def test_two_templates_in_one_campaign_are_split() -> None:
    result = infer_template(planted.campaign("a", planted.spintax, 60) + planted.campaign("b", planted.chinese, 40))
    assert isinstance(result, Split)
    assert sorted(t.messages for t in result.templates) == [40, 60]
    assert result.unmatched == 0
    assert result.matches(*_sides(planted.campaign("c", planted.chinese, 1)[0]))


def _sides(text: Text) -> tuple[str, str]:
    return text.subject, text.body


def test_what_others_have_too_is_not_used() -> None:
    footer = "this message was sent by the greater northern newsletter office in accordance with the ridge act"
    rng = planted.random("footer")
    mine = [Text("hello", f"{footer}\n{planted.LINES[2]}\n{planted.busters(rng, 2, 9)}") for _ in range(40)]
    theirs = [Text("hello", f"{footer}\n{planted.busters(rng, 20, 40)}") for _ in range(40)]
    template = one(mine, Others(theirs, ["theirs"] * 40))
    assert not any(template.matches_each(theirs))
    assert all(template.matches_each(mine))
    assert template.tried == 40
    nothing_else = [Text("hello", f"{footer}\n{planted.busters(rng, 20, 40)}") for _ in range(40)]
    refused = infer_template(nothing_else, Others(theirs, ["theirs"] * 40))
    assert isinstance(refused, Refusal) and refused.reason == "unspecific"


def test_a_campaigns_own_messages_are_no_others() -> None:
    mine = planted.campaign("plain", planted.plain, 40)
    assert one(mine).body_regex == infer_template(mine, Others(mine, ["mine"] * 40), owner="mine").body_regex


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([], "too_few"),
        ([Text("a", "b", 4)], "too_few"),
        ([Text("hi", "see you", 50)], "unspecific"),
        (
            [
                Text(planted.busters(planted.random(str(i)), 5, 9), planted.busters(planted.random(f"b{i}"), 30, 60))
                for i in range(30)
            ],
            "nothing_common",
        ),
    ],
    ids=["none", "four", "too short to tell", "unlike each other"],
)
def test_too_little_is_refused_with_its_reason(members, reason) -> None:
    result = infer_template(members)
    assert isinstance(result, Refusal)
    assert result.reason == reason and result.needed


def test_equal_messages_have_a_template_with_nothing_held_back() -> None:
    template = one([Text("Quinces", f"{planted.LINES[0]} for 45 crowns http://quince.example/a", 7)])
    assert template.held_back.n == 0 and template.messages == 7
    assert template.matches("quinces", f"{planted.LINES[0]} for 45 crowns http://quince.example/b")


@pytest.mark.parametrize("make", KINDS, ids=lambda m: m.__name__)
def test_expressions_are_bounded_and_plain(make) -> None:
    template = learnt(make, 60)
    for text in (template.subject_regex, template.body_regex):
        assert len(text) <= 12_000
        assert text.startswith("(?is)")
        bare = re.sub(r"\\.", "c", text[5:])
        assert not re.search(r"\(\?(?!:)", bare), "only groups that capture nothing"
        outside = re.sub(r"\[[^\]]*\]", "c", bare)
        assert "*" not in outside and "+" not in outside
        assert not re.search(r"\)[?{]", outside), "no quantifier over a group"
        re.compile(text)


@pytest.mark.parametrize("make", KINDS, ids=lambda m: m.__name__)
def test_engines_agree(make) -> None:
    members = planted.campaign(make.__name__, make, 60)
    template = learnt(make, 60)
    texts = [Text(t.subject.lower(), t.body.lower()) for t in members + planted.campaign("y", planted.leet, 20)]
    subject, body = re.compile(template.subject_regex), re.compile(template.body_regex)
    assert template.matches_each(texts) == [bool(subject.search(t.subject) and body.search(t.body)) for t in texts]


def test_signs_of_an_expression_in_a_text_are_only_signs() -> None:
    odd = r"(a+)+$ [^x]* {99999} \1 (?=quince) a|b \Q .* ^^ & ~ -- [[:alpha:]] \p{L} (?P<n>quinces)"
    rng = planted.random("odd")
    members = [Text("odd (.*) marmalade", f"{odd} orchard {planted.word(rng)} sparrow envelope") for _ in range(30)]
    template = one(members)
    assert all(template.matches_each(members))
    assert not template.matches("odd (.*) marmalade", "aaaaaaaaaaaaaaaaaaaaaaaa orchard quince sparrow envelope")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=120)), min_size=5, max_size=12))
def test_any_text_gives_a_value(rows) -> None:
    result = infer_template([Text(s, b) for s, b in rows])
    assert isinstance(result, Template | Split | Refusal)
    if isinstance(result, Template):
        re.compile(result.body_regex)
        assert 0.95 <= result.learnt <= 1


@pytest.mark.parametrize("make", KINDS, ids=lambda m: m.__name__)
def test_texts_that_try_hardest_cost_little(make) -> None:
    """Python's engine goes back; what nearly matches, over and over, is the worst it can be given."""
    template = learnt(make, 60)
    pattern = re.compile(template.body_regex)
    near = planted.campaign(make.__name__, make, 1)[0].body.lower()
    texts = [near[:cut] * (20_000 // max(1, cut)) for cut in (len(near) - 1, len(near) // 2, len(near) // 3)]
    texts += ["a" * 20_000, " " * 20_000, "http://" * 3000, "1." * 10_000]
    started = time.process_time()
    for text in texts:
        pattern.search(text)
        template.matches("", text)
    assert time.process_time() - started < 3.0, template.body_regex
