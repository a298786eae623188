"""Recall and precision of the fold, trick by trick, on the labelled list, beside three plainer ways of searching.

    python bench/fold_tricks.py [--half dev|test] [--missed]

Every row of the list becomes a message, is imported and searched for as an analyst would: ``subject:WORD OR text:WORD``.
The peers are given the same decoded subject and visible text and look for the word anywhere in it. A spelling is found
when a search for its word finds it; a real word is a false match when a search for any word of the list finds it. Precision is what was
found of a trick over that and all false matches.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyascii
from confusable_homoglyphs import confusables

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "message" / "fold_list"
APART = ("transposed letters", "run together")
CARRIERS = ("{}", "{} today", "Buy {} now", "Your {}", "Re: {} - last chance", "Save 50 % on {}", "{} and more")


@dataclass(frozen=True)
class Row:
    """One line of the list: a disguise with the word it stands for, or a real word (``trick`` is its language)."""

    trick: str
    word: str | None
    where: str
    sent: str

    @property
    def half(self) -> str:
        """``test`` where the first byte of this SHA-256 is odd, else ``dev``."""
        key = f"spamtide fold 1 split {self.trick}\t{self.word or ''}\t{self.sent}"
        return "test" if hashlib.sha256(key.encode()).digest()[0] % 2 else "dev"

    def raw(self, number: int) -> bytes:
        """The message that carries it."""
        head = f"From: a@sender.example\nX-Number: {number}\nMIME-Version: 1.0\n"
        if self.where == "subject":
            return f"{head}Subject: {self.sent}\n\n.\n".encode()
        return f"{head}Subject: hello\nContent-Type: text/html; charset=utf-8\n\n<p>{self.sent}</p>\n".encode()


def labelled() -> list[Row]:
    """The whole list: disguises, then real words."""
    rows = []
    for line in (LIST / "disguises.tsv").read_text("ascii").splitlines():
        trick, word, where, sent = line.split("\t")
        rows.append(Row(trick, word, where, json.loads(sent)))
    for line in (LIST / "words.tsv").read_text("utf-8").splitlines():
        language, words = line.split("\t")
        for n, word in enumerate(words.split(" ")):
            rows.append(Row(language, None, "subject", CARRIERS[n % len(CARRIERS)].format(word)))
    return rows


def searched(rows: list[Row], folder: Path) -> tuple[list[set[str]], list[str]]:
    """For each row the words whose search finds it; and what a reader sees of it, for the peers."""
    import spamtide
    from spamtide.fingerprint import digest
    from spamtide.fingerprint.kernel import RecordBatch

    raws = [row.raw(i) for i, row in enumerate(rows)]
    mbox = folder / "list.mbox"
    mbox.write_bytes(b"".join(b"From a@sender.example Mon Mar  7 10:00:00 2011\n" + raw + b"\n" for raw in raws))
    command = [sys.executable, "-m", "spamtide", "--workspace", str(folder / "w")]
    for ask in (
        [*command[:3], "init", str(folder / "w")],
        [*command, "import", str(mbox), "--feed", "list", "--append"],
    ):
        subprocess.run(ask, check=True, capture_output=True)
    observatory = spamtide.open(folder / "w")
    found: list[set[str]] = [set() for _ in rows]
    for word in sorted({row.word for row in rows if row.word}):
        for hit in observatory.search(f"subject:{word} OR text:{word}"):
            found[hit["source"]["ordinal"]].add(word)
    batch = RecordBatch()
    for i, raw in enumerate(raws):
        batch.push(i, 0, b"{}", raw)
    tables = digest(1, batch)
    subjects = tables["message"].column("subject").to_pylist()
    texts = tables["text"].column("text_lower").to_pylist()
    seen = [t if row.where == "html" else s or "" for row, s, t in zip(rows, subjects, texts, strict=True)]
    return found, seen


def look_alike(text: str) -> str:
    """Each character as the first ASCII letter that the library calls confusable with it."""
    out = []
    for c in text:
        if not c.isascii():
            known = confusables.is_confusable(c, greedy=True) or []
            letters = [h["c"] for k in known for h in k["homoglyphs"] if re.fullmatch("[A-Za-z]", h["c"])]
            c = letters[0] if letters else c
        out.append(c)
    return "".join(out).lower()


PEERS: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "anyascii": lambda text: anyascii.anyascii(text).lower(),
    "confusable-homoglyphs": look_alike,
}


@dataclass(frozen=True)
class Score:
    """Found of so many of one trick, and all false matches beside them."""

    found: int
    of: int
    false: int

    @property
    def recall(self) -> float:
        """Share of the spellings that were found."""
        return self.found / self.of

    @property
    def precision(self) -> float:
        """Share of true ones, were these spellings and all the real words what was searched."""
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the recall."""
        z, n, p = 1.959964, self.of, self.recall
        middle, spread = p + z * z / (2 * n), z * ((p * (1 - p) + z * z / (4 * n)) / n) ** 0.5
        return (max(0.0, (middle - spread) / (1 + z * z / n)), min(1.0, (middle + spread) / (1 + z * z / n)))


@dataclass(frozen=True)
class Measured:
    """Scores by trick and way of searching (``fold`` and the peers); false matches, misses, number of real words."""

    scores: dict[str, dict[str, Score]]
    missed: list[Row]
    false: list[Row]
    negatives: int
    false_by: dict[str, int]


def measure(half: str) -> Measured:
    """Search one half of the list in every way."""
    rows = [row for row in labelled() if row.half == half]
    with tempfile.TemporaryDirectory() as folder:
        found, seen = searched(rows, Path(folder))
    words = sorted({row.word for row in rows if row.word})
    hits = {"fold": found}
    for name, peer in PEERS.items():
        plain = [peer(text) for text in seen]
        hits[name] = [{w for w in words if w in text} for text in plain]
    false_by = {
        name: sum(row.word is None and bool(h) for row, h in zip(rows, hit, strict=True)) for name, hit in hits.items()
    }
    scores: dict[str, dict[str, Score]] = {}
    for trick in dict.fromkeys(row.trick for row in rows if row.word):
        mine = [i for i, row in enumerate(rows) if row.trick == trick and row.word]
        scores[trick] = {
            name: Score(sum(rows[i].word in hit[i] for i in mine), len(mine), false_by[name])
            for name, hit in hits.items()
        }
    return Measured(
        scores,
        [row for row, hit in zip(rows, found, strict=True) if row.word and row.word not in hit],
        [row for row, hit in zip(rows, found, strict=True) if row.word is None and hit],
        sum(row.word is None for row in rows),
        false_by,
    )


def table(measured: Measured) -> list[str]:
    """The table of docs/explanation/folding.md, row by row."""
    lines = [
        "| trick | n | recall | 95 % | precision | " + " | ".join(PEERS) + " |",
        "|---|---" + "|---" * (3 + len(PEERS)) + "|",
    ]
    for trick, by in sorted(measured.scores.items(), key=lambda item: item[0] in APART):
        ours = by["fold"]
        low, high = ours.interval()
        peers = " | ".join(f"{by[name].recall:.2f}, {by[name].precision:.2f}" for name in PEERS)
        mark = " (apart)" if trick in APART else ""
        lines.append(
            f"| {trick}{mark} | {ours.of} | {ours.recall:.3f} | {low:.3f} to {high:.3f} | {ours.precision:.3f} | {peers} |"
        )
    counted = [by for trick, by in measured.scores.items() if trick not in APART]
    total = {
        name: Score(sum(by[name].found for by in counted), sum(by[name].of for by in counted), measured.false_by[name])
        for name in ("fold", *PEERS)
    }
    low, high = total["fold"].interval()
    peers = " | ".join(f"{total[name].recall:.2f}, {total[name].precision:.2f}" for name in PEERS)
    lines.append(
        f"| all but those apart | {total['fold'].of} | {total['fold'].recall:.4f} | {low:.4f} to {high:.4f} | "
        f"{total['fold'].precision:.4f} | {peers} |"
    )
    false = " | ".join(str(measured.false_by[name]) for name in PEERS)
    lines.append(f"| false matches | {measured.negatives} | | | {measured.false_by['fold']} | {false} |")
    return lines


def main() -> None:
    """Measure one half and print it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--half", choices=("dev", "test"), default="test", help="which half of the list")
    arguments.add_argument("--missed", action="store_true", help="also each spelling missed and each false match")
    given = arguments.parse_args()
    measured = measure(given.half)
    print("\n".join(table(measured)))
    if given.missed:
        for row in measured.missed:
            print(f"missed: {row.trick}: {row.word}: {row.sent!r}")
        for row in measured.false:
            print(f"false: {row.trick}: {row.sent!r}")


if __name__ == "__main__":
    main()
