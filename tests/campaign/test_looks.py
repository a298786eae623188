"""Mail that hardly says anything: told by its pictures, by subject and host together, by how it is built."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign_texts import word
from pictures import disguised, letter, mail, png
from slow_group import Print, slow_group
from spamtide.campaign import LISTS, Likeness, Newcomers, lowest_of_each, settle, settle_sorted
from spamtide.fingerprint import digest
from spamtide.fingerprint.kernel import RecordBatch

WORDS = [
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "inlet",
    "jolly",
    "koala",
    "lemon",
    "maple",
    "nylon",
    "ocean",
    "pearl",
]


def prints(raws: list[bytes]) -> pa.Table:
    batch = RecordBatch()
    for i, raw in enumerate(raws):
        batch.push(i, 0, b"{}", raw)
    return digest(1, batch)["sketch"]


def labels(raws: list[bytes]) -> list[int]:
    """The group of each message."""
    table = prints(raws)
    rows = lowest_of_each(table)
    label = dict(zip(rows["exact"].to_pylist(), settle(rows).label.to_pylist(), strict=True))
    return [label[e] for e in table["exact"].to_pylist()]


def shown(number: int, n: int, *, rng: np.random.Generator) -> list[bytes]:
    """``n`` messages of one picture under subjects and links that are each their own."""
    one = letter(np.random.default_rng(1_000 + number))
    own = random.Random(int(rng.integers(1 << 30)))
    return [
        mail(
            [png(disguised(one, rng))],
            subject=" ".join(word(own) for _ in range(4)),
            html=f"<a href=http://{word(own)}{number}x{i}.example/a><img src=cid:a></a>",
        )
        for i in range(n)
    ]


def test_image_only_mail_is_told_by_its_pictures() -> None:
    rng = np.random.default_rng(3)
    raws = [raw for number in range(12) for raw in shown(number, 6, rng=rng)]
    found = labels(raws)
    own = [found[i * 6 : i * 6 + 6] for i in range(12)]
    assert all(not set(one) & set(other) for i, one in enumerate(own) for other in own[:i]), "no two pictures are one"
    assert np.mean([max(map(g.count, g)) / 6 for g in own]) >= 0.9
    edges = settle(lowest_of_each(prints(raws))).edges
    assert "picture" in edges["by"].to_pylist()


def test_a_picture_says_nothing_where_there_is_text() -> None:
    rng = np.random.default_rng(4)
    raws = [
        mail([png(letter(np.random.default_rng(1)))], subject=f"{i}a", html=" ".join(rng.permutation(WORDS)))
        for i in range(2)
    ]
    assert len(set(labels(raws))) == 2


SETS = [raw for number in range(5) for raw in shown(number, 4, rng=np.random.default_rng(number))]


def mixed(rng: random.Random) -> list[bytes]:
    """Messages with pictures or none, few words or many, subjects, hosts and builds out of few."""
    out = []
    for _ in range(rng.randrange(2, 30)):
        # Generic words and one more: of such subjects most is in common, and not all.
        few, most = " ".join(rng.sample(WORDS[:6], 3)), f"{' '.join(WORDS[:6])} {rng.choice(WORDS)}"
        subject = rng.choice([few, most])
        host = rng.choice(["one", "two", "three"])
        text = " ".join(rng.sample(WORDS, rng.choice([0, 3, 14])))
        tags = rng.choice(["<p>", "<p><b><i><u>", "<table><tr><td><p>"])
        seed = rng.randrange(3)
        picture = disguised(letter(np.random.default_rng(seed), 90, 60), np.random.default_rng(rng.randrange(9)))
        pictures = [png(picture)] * rng.randrange(2)
        html = f"{tags}{text}<a href=http://{host}.example/{rng.choice(WORDS)}>x</a>"
        out.append(mail(pictures, subject=subject, html=html))
    return out


def agree(rows: pa.Table) -> None:
    """The kernel, its slow twin and the judge of pairs say the same of these."""
    rows = rows.cast(pa.schema([pa.field(f.name, f.type) for f in rows.schema]))
    read = [
        Print(r["exact"], *(frozenset(np.frombuffer(r[name] or b"", np.int64).tolist()) for name in LISTS))
        for r in rows.to_pylist()
    ]
    settled = settle(rows)
    exact = rows["exact"].to_pylist()
    assert {e: exact[i] for e, i in zip(exact, settled.label.to_pylist(), strict=True)} == slow_group(read)
    likeness = Likeness(rows.to_batches())
    for edge in settled.edges.to_pylist():
        judged = likeness.judge(edge["leader"], edge["member"])
        assert (judged.similarity, judged.needed, judged.by) == (edge["similarity"], edge["needed"], edge["by"])
        assert edge["member"] in likeness.neighbours(edge["leader"])


@settings(deadline=None, max_examples=40)
@given(st.randoms(use_true_random=False))
def test_the_kernel_its_slow_twin_and_the_judge_of_pairs_agree(rng: random.Random) -> None:
    agree(lowest_of_each(prints(mixed(rng))))


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(len(SETS))))
def test_their_groups_do_not_depend_on_order(order: list[int]) -> None:
    table = lowest_of_each(prints(SETS))
    order = [i for i in order if i < len(table)]
    shuffled = table.take(pa.array(order))
    exact, other = table["exact"].to_pylist(), shuffled["exact"].to_pylist()
    one = {e: exact[i] for e, i in zip(exact, settle(table).label.to_pylist(), strict=True)}
    assert one == {e: other[i] for e, i in zip(other, settle(shuffled).label.to_pylist(), strict=True)}


def test_a_newcomer_is_told_by_its_picture(tmp_path) -> None:
    rows = lowest_of_each(prints(SETS))
    settle_sorted(rows.to_batches(), index=str(tmp_path / "i"))
    later = Newcomers(str(tmp_path / "i"))
    rng = np.random.default_rng(99)
    told = [later.take(prints([raw])) for number in range(5) for raw in shown(number, 3, rng=rng)]
    found = [next(iter(t.values())) for t in told]
    label = dict(zip(rows["exact"].to_pylist(), settle(rows).label.to_pylist(), strict=True))
    exact = rows["exact"].to_pylist()
    right = 0
    for number, name in enumerate(found):
        own = {exact[label[e]] for e in prints(SETS)["exact"].to_pylist()[number // 3 * 4 : number // 3 * 4 + 4]}
        assert name is None or name in own
        right += name is not None
    assert right >= 10


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_subject_and_a_host_tell_a_picture_from_a_letter_of_its_campaign(hosts: int) -> None:
    text = (
        "our orchard sells quinces to anyone who sends a letter before harvest begins and every basket travels by mule"
    )
    raws = [
        mail(
            [],
            subject="Quinces of Lorbex half price today",
            html=f"{text} {w}<a href=http://shop{i % hosts}.example/{w}>",
        )
        for i, w in enumerate(WORDS)
    ]
    raws += [
        mail(
            [png(letter(np.random.default_rng(i)))],
            subject="Quinces of Lorbex half price today",
            html=f"<a href=http://shop{i % hosts}.example/{i}><img src=cid:a></a>",
        )
        for i in range(4)
    ]
    assert len(set(labels(raws))) == 1


def sentences(number: int, n: int) -> str:
    """``n`` words of which hardly three in a row stand in the text of another number."""
    own = random.Random(number)
    return " ".join(word(own) for _ in range(n))


def of_one(subject: str, text: str, *, number: int, hosts: str, n: int = 5) -> list[bytes]:
    """Letters of one text and as many pictures under one subject; ``{k}`` of ``hosts`` is p or l."""
    rng = np.random.default_rng(number)
    letters = [
        mail(
            [],
            subject=subject,
            html=f"<p>{text} {WORDS[i]} {WORDS[-i]}</p><a href=http://{hosts.format(k='l')}/{i}>x</a>",
        )
        for i in range(n)
    ]
    shown = letter(np.random.default_rng(2_000 + number))
    pictures = [
        mail(
            [png(disguised(shown, rng))],
            subject=subject,
            html=f"<a href=http://{hosts.format(k='p')}/{i}><img src=cid:a></a>",
        )
        for i in range(n)
    ]
    return letters + pictures


@pytest.mark.parametrize("hosts", ["shop.example", "shop{k}.example"])
def test_a_picture_meets_a_long_letter_under_one_subject(hosts: str) -> None:
    # Of many words no bigram of the subject is among the smallest: they meet by the subject alone.
    found = labels(of_one("Quinces of Lorbex half price today", sentences(1, 300), number=1, hosts=hosts))
    assert len(set(found)) == 1


@pytest.mark.parametrize(("hosts", "groups"), [("shop.example", 1), ("shop{k}.example", 2)])
def test_most_of_a_subject_needs_a_host_that_counts(hosts: str, groups: int) -> None:
    text = sentences(1, 300)
    raws = of_one("Quinces of Lorbex half price today", text, number=1, hosts=hosts)[:5]
    raws += of_one("Quinces of Lorbex half price today only", text, number=1, hosts=hosts)[5:]
    rows = lowest_of_each(prints(raws))
    assert len(set(settle(rows).label.to_pylist())) == groups
    agree(rows)


def test_one_subject_of_several_campaigns_brings_no_picture_to_a_letter() -> None:
    raws = [
        raw
        for number in range(4)
        for raw in of_one(
            "Quinces of Lorbex half price today", sentences(number, 90), number=number, hosts=f"s{number}{{k}}.example"
        )
    ]
    found = labels(raws)
    # Pictures that are unlike may be joined by a whole subject; letters never.
    own = [set(found[i : i + 5]) for i in range(0, 40, 10)]
    assert all(len(one) == 1 for one in own)
    assert len(set.union(*own)) == 4


def test_generic_words_bring_no_picture_to_another_campaigns_letter() -> None:
    raws = [
        raw
        for number, name in enumerate(("Lorbex", "Quandimo", "Feltaro"))
        for raw in of_one(
            f"only today half price at {name}", sentences(number, 60), number=number, hosts=f"s{number}.example"
        )
    ]
    found = labels(raws)
    assert [len(set(found[i : i + 10])) for i in range(0, 30, 10)] == [1, 1, 1]
    assert len(set(found)) == 3


def test_one_host_and_one_footer_do_not_join_letters_under_two_subjects() -> None:
    footer = sentences(99, 46)
    raws = []
    for number in range(8):
        text = f"{sentences(number, 60)} {footer}"
        raws += of_one(sentences(50 + number, 4), text, number=number, hosts="s.example", n=6)[:6]
    rows = lowest_of_each(prints(raws))
    assert len(set(settle(rows).label.to_pylist())) == 8
    assert len(set(settle(rows, boilerplate=1000).label.to_pylist())) == 1, "what boilerplate weighs decides here"
    agree(rows)


def test_a_newcomer_is_brought_to_a_picture_by_its_letter_and_the_other_way_round(tmp_path) -> None:
    subject, text = "Quinces of Lorbex half price today", sentences(1, 300)
    rows = lowest_of_each(prints(of_one(subject, text, number=1, hosts="shop.example")))
    settled = settle_sorted(rows.to_batches(), index=str(tmp_path / "i"))
    assert set(settled.label.to_pylist()) == {0}
    later = Newcomers(str(tmp_path / "i"))
    href = "<a href=http://shop.example/late>"
    late = [
        mail([png(letter(np.random.default_rng(77)))], subject=subject, html=f"{href}<img src=cid:a></a>"),
        mail([], subject=subject, html=f"<p>{sentences(5, 90)}</p>{href}x</a>"),
        mail([], subject=sentences(6, 5), html=f"<p>{sentences(5, 80)}</p>{href}x</a>"),
    ]
    told = [next(iter(later.take(prints([raw])).values())) for raw in late]
    assert told == [rows["exact"][0].as_py()] * 2 + [None]
