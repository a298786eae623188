"""Ten million messages: memory of the import, and what a search waits for.

    python bench/ten_million.py [--messages 10000000] [--keep DIR]

Makes an mbox of about 200 bytes a message (own words, the same bytes each time) with two rare words planted in known numbers,
imports it, imports it again, gathers the closed days, and asks. Each question is asked three times, the last counts: whole
command and, by itself, in the program. Memory is the peak of the proportional set size over the process tree. A wrong count
ends the bench with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate, run_watched

DAYS = 1000
FIRST = date(2009, 1, 1)
# One message in so many has the word in its subject, in its text.
RARE_SUBJECT, RARE_TEXT = 400_009, 500_009
SUBJECT_WORD, TEXT_WORD = "zanubrik", "quolvetan"
PEAK_MIB, FIRST_PAGE_S, RARE_TEXT_S, BY_DAY_S = 600, 1.0, 15.0, 2.0


def vocabulary(n: int, rng: random.Random) -> list[str]:
    """Made words of two to four syllables, none of them a planted one."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeou"]
    words: set[str] = set()
    while len(words) < n:
        words.add("".join(rng.choices(syllables, k=rng.choice((2, 2, 3, 3, 4)))))
    return sorted(words)


def blocks(messages: int) -> Iterator[tuple[str, int, int]]:
    """The mbox in blocks of text, each with the planted subjects and texts in it."""
    rng = random.Random(20110316)
    words = vocabulary(20_000, rng)
    weights = [1 / (i + 20) for i in range(len(words))]
    pool = rng.choices(words, weights, k=400_000)
    clock = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]
    a_day = -(-messages // DAYS)
    for day in range(DAYS):
        when = FIRST + timedelta(days=day)
        head = f"From x {when:%a %b} {when.day:2d} "
        year = f" {when.year}\n"
        lines, subjects, texts = [], 0, 0
        for i in range(day * a_day, min(messages, (day + 1) * a_day)):
            at = rng.randrange(len(pool) - 20)
            subject, body = " ".join(pool[at : at + 4]), " ".join(pool[at + 4 : at + 17])
            if i % RARE_SUBJECT == 77:
                subject, subjects = f"{subject} {SUBJECT_WORD}", subjects + 1
            if i % RARE_TEXT == 78:
                body, texts = f"{body} {TEXT_WORD}", texts + 1
            second = (i % a_day) * 86_400 // a_day
            lines.append(
                f"{head}{clock[second]}{year}From: {pool[at]}@{pool[at + 7]}.example\n"
                f"Subject: {subject}\n\n{body} {i}\n\n"
            )
        yield "".join(lines), subjects, texts


def make(path: Path, messages: int) -> tuple[int, int]:
    """Write the mbox; subjects and texts with the planted words."""
    subjects = texts = 0
    with path.open("w", encoding="ascii") as file:
        for text, s, t in blocks(messages):
            file.write(text)
            subjects, texts = subjects + s, texts + t
    return subjects, texts


def warm(command: list[str]) -> tuple[float, int, str]:
    """Wall seconds, peak PSS and output of the third run."""
    for _ in range(3):
        seconds, peak, out = run_watched(command)
    return seconds, peak, out


INSIDE = """
import json, sys, time
import spamtide
o = spamtide.open(sys.argv[1])
def ask(what):
    for _ in range(3):
        t = time.perf_counter()
        what()
        s = time.perf_counter() - t
    return s
kind, query = sys.argv[2:]
print(ask((lambda: o.search(query, limit=100)) if kind == "search" else (lambda: o.series(query, ["f"]))))
"""


def inside(workspace: str, kind: str, query: str) -> float:
    """Seconds of the third time of asking within one process."""
    run = subprocess.run(
        [sys.executable, "-c", INSIDE, workspace, kind, query], capture_output=True, text=True, check=True
    )
    return float(run.stdout)


def main() -> None:
    """Make, import, ask, compare with what was promised."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=10_000_000)
    arguments.add_argument("--keep", type=Path, help="leave mbox and workspace in this folder, and take them up again")
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    folder = given.keep or Path(tempfile.mkdtemp(dir=OUT))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        wrong = measure(folder, given.messages)
    finally:
        if given.keep is None:
            shutil.rmtree(folder)
    for line in wrong:
        print(f"NOT HELD: {line}")
    raise SystemExit(1 if wrong else 0)


def measure(folder: Path, messages: int) -> list[str]:
    """Everything, printed as it goes; what does not hold."""
    wrong: list[str] = []
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    mbox, workspace = folder / "m.mbox", str(folder / "w")
    program = str(Path(sys.executable).with_name("spamtide"))
    ask = [program, "--workspace", workspace]
    started = time.perf_counter()
    if (folder / "planted.json").exists():
        subjects, texts = json.loads((folder / "planted.json").read_text())
    else:
        subjects, texts = make(mbox, messages)
        (folder / "planted.json").write_text(json.dumps([subjects, texts]))
    print(f"mbox: {messages:,} messages, {mbox.stat().st_size / 1e9:.2f} GB, {time.perf_counter() - started:.0f} s")

    def say(what: str, seconds: float, peak: int, more: str = "") -> None:
        print(f"{what:<44} {seconds:>9.2f} s  peak PSS {peak / 2**20:>4.0f} MiB  {more}", flush=True)
        if peak > PEAK_MIB * 2**20:
            wrong.append(f"{what}: {peak / 2**20:.0f} MiB, promised {PEAK_MIB}")

    if not os.path.exists(workspace):
        subprocess.run([program, "init", workspace], check=True, stdout=subprocess.DEVNULL)
        seconds, peak, out = run_watched([*ask, "import", str(mbox), "--feed", "f", "--json"])
        done = json.loads(out)
        say("import", seconds, peak, f"{messages / seconds:,.0f} messages/s")
        if done["new"] != messages:
            wrong.append(f"import: {done['new']:,} new")
        seconds, peak, _ = run_watched([*ask, "digest", "--compact"])
        say("digest --compact", seconds, peak)
        seconds, peak, out = run_watched([*ask, "import", str(mbox), "--feed", "f", "--json"])
        say("import again: nothing new", seconds, peak)
        if json.loads(out)["new"]:
            wrong.append("import again: something new")

    def question(what: str, arguments: list[str], kind: str, query: str, bound: float, wanted: int | None) -> float:
        seconds, peak, out = warm([*ask, *arguments])
        within = inside(workspace, kind, query)
        lines = out.splitlines()
        found = len(lines) if kind == "search" else sum(int(line.split(",")[-2] or 0) for line in lines[1:])
        say(what, seconds, peak, f"in the program {within:.2f} s, {found:,} found")
        if wanted is not None and found != wanted:
            wrong.append(f"{what}: found {found:,}, planted {wanted:,}")
        if within > bound:
            wrong.append(f"{what}: {within:.2f} s in the program, promised {bound}")
        return seconds

    listing = ["search", "--jsonl", "--limit", "100"]
    by_day = ["series", "--feed", "f", "--by", "day", "--csv", "--origin", "all"]
    question("first page: everything", [*listing, ""], "search", "", FIRST_PAGE_S, min(100, messages))
    question("first page: from:*ba*", [*listing, "from:*ba*"], "search", "from:*ba*", FIRST_PAGE_S, None)
    late = f"after:{FIRST + timedelta(days=DAYS - 100)} from:*ba*"
    question("first page: late, from:*ba*", [*listing, late], "search", late, FIRST_PAGE_S, None)
    rare = f"subject:{SUBJECT_WORD}"
    question(f"all of a rare subject ({SUBJECT_WORD})", [*listing, rare], "search", rare, RARE_TEXT_S, subjects)
    rare = f"text:{TEXT_WORD}"
    whole = question(f"all of a rare text term ({TEXT_WORD})", [*listing, rare], "search", rare, RARE_TEXT_S, texts)
    rare = f"text:*{TEXT_WORD[1:-1]}*"
    question(f"the same, open at both ends ({rare})", [*listing, rare], "search", rare, RARE_TEXT_S, texts)
    question("volume by day", [*by_day, "volume"], "series", "volume", BY_DAY_S, messages)
    question("a word in subject: by day", [*by_day, "subject:tane"], "series", "subject:tane", BY_DAY_S, None)
    rare = f"text:{TEXT_WORD}"
    question("a word in text: by day", [*by_day, rare], "series", rare, RARE_TEXT_S, texts)
    print_peers(mbox, workspace, whole, texts)
    return wrong


def print_peers(mbox: Path, workspace: str, ours: float, texts: int) -> None:
    """``grep -c`` over the mbox, and DuckDB's LIKE over the column by hand, for the rare text term."""
    import duckdb

    for _ in range(2):
        started = time.perf_counter()
        run = subprocess.run(["grep", "-c", TEXT_WORD, str(mbox)], capture_output=True, text=True)
        grep = time.perf_counter() - started
    parts = [str(p) for p in Path(workspace).glob("archive/tables/facts-*/*-text~*.parquet")]
    for _ in range(2):
        started = time.perf_counter()
        query = "SELECT count(*) FROM read_parquet(?) WHERE text_lower LIKE ?"
        (n,) = duckdb.execute(query, [parts, f"%{TEXT_WORD}%"]).fetchone() or (0,)
        like = time.perf_counter() - started
    print(f"peers: grep -c {grep:.2f} s ({int(run.stdout)} lines), ratio {grep / ours:.2f};", end=" ")
    print(f"DuckDB LIKE over the parts {like:.2f} s ({n} rows of {texts}), ratio {like / ours:.2f}")


if __name__ == "__main__":
    main()
