"""What folded search finds in real mail beyond a plain substring, word by word, and what it finds of no word at all.

    python bench/fold_mail.py CORPUS.mbox.xz... [--show WORD]

For each word: messages whose subject or visible text has it as a piece (*literal*), those that a folded search finds, those that only
the fold finds, and of these the ones found by a reading. ``--show`` prints the spellings that only the fold finds, with
their number, in ASCII; it prints mail, so what it prints is not to be kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from spamtide._kernel import read_records
from spamtide.fingerprint import digest
from spamtide.message import fold_trace, fold_words

WORDS = (
    "viagra",
    "cialis",
    "levitra",
    "rolex",
    "casino",
    "replica",
    "pharmacy",
    "poker",
    "mortgage",
    "pills",
    "loan",
    "paypal",
)
BATCH = 512


def texts(path: Path) -> list[tuple[str, str]]:
    """Subject and visible text of each message in lower case, and both folded."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "spamtide", "--workspace", f"{folder}/w"]
        for ask in (
            [*command[:3], "init", f"{folder}/w"],
            [*command, "import", str(path), "--feed", "mail", "--no-digest"],
        ):
            subprocess.run(ask, check=True, capture_output=True)
        for base in sorted(seal.with_suffix("") for seal in Path(folder).rglob("*.seal")):
            records = read_records(str(base))
            for first in range(0, len(records), BATCH):
                tables = digest(1, records.slice(first, first + BATCH))
                columns = [tables["message"]["subject_lower"], tables["message"]["subject_folded"]]
                columns += [tables["text"]["text_lower"], tables["text"]["text_folded"]]
                for subject, folded, text, text_folded in zip(*(c.to_pylist() for c in columns), strict=True):
                    out.append((f"{subject}\n{text}", f"{folded}\n{text_folded}"))
    return out


def main() -> None:
    """Count, and print the table of docs/explanation/folding.md."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("corpora", nargs="+", type=Path)
    arguments.add_argument("--show", help="print what only the fold finds for this word")
    given = arguments.parse_args()
    print("| mail | word | literal | folded | of these only folded | by a reading |\n|---|---|---|---|---|---|")
    spellings: Counter[str] = Counter()
    for path in given.corpora:
        mail = texts(path)
        for word in WORDS:
            needle = fold_words(word)
            literal = sum(word in plain for plain, _ in mail)
            folded = [(plain, both) for plain, both in mail if needle in both]
            only = [(plain, both) for plain, both in folded if word not in plain]
            read = sum(all(needle not in f"{part.split('  ')[0]} " for part in both.split("\n")) for _, both in only)
            print(f"| {path.name.split('.')[0]} | {word} | {literal:,} | {len(folded):,} | {len(only):,} | {read:,} |")
            if word == given.show:
                for plain, _ in only:
                    traced = (one for one in fold_trace(plain) if one[0] == needle.strip())
                    spellings.update(ascii(plain[one[2] : one[3]]) for one in traced)
    for spelling, n in spellings.most_common():
        print(f"{n:>6} {spelling}")


if __name__ == "__main__":
    main()
