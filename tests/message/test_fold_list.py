"""The labelled list of disguises: what its maker makes, large enough, both halves filled, and no word in it by mistake."""

from __future__ import annotations

import importlib.util
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from types import ModuleType

from doc_tables import ROOT

LIST = Path(__file__).with_name("fold_list")


def loaded(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


BENCH = loaded(ROOT / "bench" / "fold_tricks.py")
MAKER = loaded(LIST / "make.py")
ROWS = BENCH.labelled()


def test_the_list_is_what_its_maker_makes() -> None:
    assert [(r.trick, r.word, r.where, r.sent) for r in ROWS if r.word] == MAKER.rows()


def test_there_are_2000_disguises_in_14_tricks_and_2000_real_words_in_ten_languages() -> None:
    tricks = Counter(r.trick for r in ROWS if r.word and r.trick not in BENCH.APART)
    languages = Counter(r.trick for r in ROWS if not r.word)
    assert tricks.total() >= 2_000 and len(tricks) >= 14
    assert languages.total() >= 2_000 and len(languages) == 10
    assert min(tricks.values()) >= 150 and min(languages.values()) >= 150


def test_no_row_stands_in_both_halves_and_neither_half_is_small() -> None:
    halves: dict[tuple[str, str | None, str], set[str]] = {}
    for row in ROWS:
        halves.setdefault((row.trick, row.word, row.sent), set()).add(row.half)
    assert all(len(h) == 1 for h in halves.values())
    for trick, n in Counter(r.trick for r in ROWS).items():
        assert n / 3 < sum(r.half == "test" for r in ROWS if r.trick == trick) < 2 * n / 3, trick


def test_a_real_word_is_none_of_the_words_that_are_searched() -> None:
    words = [w for line in (LIST / "words.tsv").read_text("utf-8").splitlines() for w in line.split("\t")[1].split()]
    assert len({w.lower() for w in words}) == len(words)
    assert not {w.lower() for w in words} & set(MAKER.WORDS)
    # Nor one of them with the accents of another language: casinò, réplica. To find those is right.
    assert not {plain(w) for w in words} & set(MAKER.WORDS)


def plain(word: str) -> str:
    """The word without its accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
