"""The fold for any text: equal to its plain twin, word by word traced, its own fixed point, bounded, linear."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doc_tables import ROOT
from message.test_fold_list import loaded
from spamtide.message import FOLD_VERSION, fold, fold_trace, fold_words

TWIN = loaded(ROOT / "bench" / "plain_text.py")

# What disguises are made of, and the scripts for which Python and Rust know the same letters.
PARTS = st.one_of(
    st.sampled_from([*"viagracialisVIAGRALl014567@$!|", *" .-_*'~^+/\\()\n\t:,", *"€¢§¥£×®™·’а֊ορВоꓢᏚ🅐Ⓐ①ßİſ"]),
    st.sampled_from([*"\u200b\u00ad\u202a\u202c\u202d\u202e\u2066\u2067\u2069\u0301\u0338\u20dd\u0488\u2029", "@a.b", "aa", "ll", "/\\", "\\/"]),
    st.characters(codec="utf-8", max_codepoint=0x52F, categories=["L", "Nd", "P", "S", "Zs", "Cc"]),
    st.characters(codec="utf-8", min_codepoint=0x1D400, max_codepoint=0x1D7FF, categories=["L", "Nd"]),
    st.characters(codec="utf-8", min_codepoint=0xFF01, max_codepoint=0xFF5E, exclude_characters="｜＿"),
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=40).map("".join)


@given(TEXTS)
@example("\u202e@a.b＠")
@example("viagra'! !-viagra $viagra-!")
@example("+a-b! /\u200b\\x")
def test_the_plain_twin_folds_alike(text: str) -> None:
    assert TWIN.fold(text) == fold(text)


@pytest.mark.parametrize("letters", ["v{}", "{}", "vi{}"])
@pytest.mark.parametrize(("one", "spelt"), [("½", "1\u20442"), ("¼", "1\u20444")])
def test_a_fraction_is_what_it_is_spelt_as(letters: str, one: str, spelt: str) -> None:
    # The plain twin reads the slash of a fraction as a joint; the kernel, as NFKC has it, does not.
    assert fold(letters.format(one)) == fold(letters.format(spelt))


@given(st.one_of(st.text(), TEXTS))
def test_the_traced_fold_is_the_fold(text: str) -> None:
    traced = fold_trace(text)
    words = [folded for folded, reading, *_ in traced if not reading]
    readings = [folded for folded, reading, *_ in traced if reading]
    made = "".join(f" {' '.join(part)} " for part in (words, readings) if part)
    assert made == fold(text)
    assert all(0 <= start < end <= len(text) for _, _, start, end, _ in traced)


@given(st.one_of(st.text(), TEXTS))
def test_words_fold_to_themselves_and_are_what_readings_stand_behind(text: str) -> None:
    # Readings are not made twice: the signs that they came from are gone.
    words = fold_words(text)
    assert fold_words(words) == words
    assert fold(text).split("  ")[0].rstrip(" ") == words.rstrip(" ")


@given(st.one_of(st.text(), TEXTS), st.text(alphabet=" \n,:", min_size=1), st.sampled_from(["buy", "", "42"]))
def test_a_term_finds_itself_in_any_text(term: str, gap: str, beside: str) -> None:
    marks = any(c in term for c in "\u202d\u202e") or "@" in term
    if fold_words(term) and not marks and len(fold_words(term).split()) == 1 and len(fold_words(term)) > 3:
        assert fold_words(term) in fold(f"{beside}{gap}{term}{gap}{beside}")


@given(st.one_of(st.text(), TEXTS))
def test_readings_are_at_most_as_long_as_the_text_and_a_bit(text: str) -> None:
    size = len(text.encode())
    folded = fold(text)
    readings = len(folded.encode()) - len(fold_words(text).encode())
    assert readings <= size + 64 + 8 * 50
    # U+FDFA alone becomes eighteen letters: eleven times its bytes, and a space on both sides.
    assert len(folded.encode()) <= 13 * size + 600


@pytest.mark.parametrize(
    "part",
    ["aabbcc ", "a.", "a@", "@a.b ", "/\\", "\u202ea", "\u202ea\u202d", "v i ", "l!|", "аа", "\u0301", "a\u200b", "aa" * 30 + " "],
)  # fmt: skip
def test_time_grows_with_the_length_alone(part: str) -> None:
    def seconds(times: int) -> float:
        text = part * (times // len(part))
        best = 1.0
        for _ in range(5):
            started = time.process_time()
            fold(text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(320_000) < 16 * 8 * max(seconds(20_000), 1e-5)


def test_this_is_version_two() -> None:
    assert FOLD_VERSION == 2
    assert fold("V*iagra, pillls") == " v iagra piiiis  viagra piiis piis "
