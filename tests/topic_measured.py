"""How often the topic of a message is the label: precision and recall with 95 % intervals, on the labelled sample.

    python tests/topic_measured.py CORPORA [dev|test]

prints the tables that docs/explanation/topics.md keeps. The half ``test`` is looked at when rules are done, not to write them.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import tempfile
from collections import Counter
from pathlib import Path

from spamtide.app.cli import run
from spamtide.message import TOPICS

SAMPLES = ("topic_labels.tsv", "topic_labels_rare.tsv")
SOURCES = (
    "nazario-phishing-2004-2005", "openlists-trap-2019-2022", "phishing_pot-2022-2023", "spamassassin-ham",
    "spamassassin-spam", "trec07p-ham-20070408-0424", "trec07p-spam-20070408-0424",
)  # fmt: skip
Answer = tuple[str, str]


def labels(name: str) -> dict[str, tuple[str, str]]:
    """``{SHA-256: (topic, half)}`` of a sample."""
    lines = Path(__file__).with_name("message").joinpath(name).read_text("ascii").splitlines()
    return {sha: (topic, half) for sha, topic, half in (line.split("\t") for line in lines)}


def told(corpora: Path, wanted: set[str]) -> dict[str, str]:
    """``{SHA-256: topic}`` of the wanted messages: the corpora imported into a workspace of their own, and searched."""

    def spamtide(*arguments: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            assert run(list(arguments)) == 0
        return out.getvalue()

    with tempfile.TemporaryDirectory() as folder:
        spamtide("init", f"{folder}/w")
        sources = [str(corpora / f"{source}.mbox.xz") for source in SOURCES]
        spamtide("--workspace", f"{folder}/w", "import", *sources, "--feed", "real")
        lines = spamtide("--workspace", f"{folder}/w", "search", "", "--jsonl").splitlines()
    found = (json.loads(line) for line in lines)
    return {row["sha256"]: row["topic"] for row in found if row["sha256"] in wanted}


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    centre, half = k + z * z / 2, z * math.sqrt(k * (n - k) / n + z * z / 4)
    return max(0.0, (centre - half) / (n + z * z)), min(1.0, (centre + half) / (n + z * z))


def rows(answers: list[Answer]) -> list[tuple[str, int, int, int]]:
    """``(topic, right, told, labelled)`` of pairs (label, answer)."""
    right = Counter(label for label, answer in answers if label == answer)
    said, truly = Counter(a for _, a in answers), Counter(label for label, _ in answers)
    return [(t, right[t], said[t], truly[t]) for t in TOPICS]


def figure(k: int, n: int) -> str:
    """A proportion with its interval: ``.97 (.91-.99)``."""
    low, high = wilson(k, n)
    return "-" if n == 0 else f"{k / n:.2f} ({low:.2f}-{high:.2f})"


def table(answers: list[Answer]) -> str:
    """The rows as a table of the document."""
    lines = ["| topic | labelled | told | right | precision | recall |", "|---|---|---|---|---|---|"]
    for topic, right, said, truly in rows(answers):
        lines.append(f"| `{topic}` | {truly} | {said} | {right} | {figure(right, said)} | {figure(right, truly)} |")
    same = sum(label == answer for label, answer in answers)
    return "\n".join([*lines, f"| all | {len(answers)} | {len(answers)} | {same} | {figure(same, len(answers))} | |"])


def measured(corpora: Path, half: str) -> list[list[Answer]]:
    """Pairs (label, answer) of one half, for each sample."""
    samples = [labels(name) for name in SAMPLES]
    answers = told(corpora, {sha for sample in samples for sha in sample})
    return [[(t, answers[sha]) for sha, (t, h) in sample.items() if h == half] for sample in samples]


if __name__ == "__main__":
    for chosen in sys.argv[2:] or ("dev", "test"):
        for sample, pairs in zip(SAMPLES, measured(Path(sys.argv[1]), chosen), strict=True):
            print(f"\n{sample}, {chosen}\n\n{table(pairs)}")
