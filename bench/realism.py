"""How like real mail a simulated world is: a table and a figure for docs/explanation/worlds.md.

    SPAMTIDE_CORPUS=FOLDER python bench/realism.py            print the table
    SPAMTIDE_CORPUS=FOLDER python bench/realism.py --write    put it and the figure into the docs

Of each corpus, and of unsolicited mail of two scenarios, 1,500 messages spread evenly over what is there: sizes, header
fields, parts, links, attachments, and how copies are spread over exact groups (rank-frequency at equal n). Days of trap counts:
dispersion over Poisson, spread and lag-1 memory of the log counts. Only figures leave: no text of a corpus does.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spamtide._kernel import RecordBatch
from spamtide.fingerprint import digest
from spamtide.simulate import generate, load_scenario

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, FIGURE = (ROOT / "docs" / "explanation" / n for n in ("worlds.md", "realism.svg"))
SAMPLE = 1_500
REAL = ("trec07p-spam-20070408-0424", "spamassassin-spam", "openlists-trap-2019-2022")
MADE = {"all-kinds": 1.0, "march-2011": 0.2}
BEGIN, END = "<!-- realism: begin -->\n", "<!-- realism: end -->\n"
META = json.dumps({"v": 1, "time_origin": "file"}).encode()
Floats = np.ndarray[Any, np.dtype[np.float64]]


def messages(mbox: bytes) -> list[bytes]:
    """The messages of an mboxrd, their lines unquoted."""
    parts = re.split(rb"(?m)^From .*\n", mbox)[1:]
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", p) for p in parts]


def real_messages(folder: Path, name: str) -> list[bytes]:
    """What a corpus holds."""
    with lzma.open(folder / f"{name}.mbox.xz") as file:
        return messages(file.read())


def made_messages(name: str, scale: float) -> list[bytes]:
    """What a world holds at its first feed."""
    world = generate(load_scenario(name), seed=1, scale=scale)
    return [m for batch, _ in world.batches(world.feeds[0].name) for m in messages(batch.mbox())]


def facts(some: list[bytes], origins: tuple[str, ...] = ("unsolicited",)) -> dict[str, Any]:
    """Figures of a sample of messages of these origins."""
    step = max(1, len(some) // SAMPLE)
    batch = RecordBatch()
    chosen = some[::step][:SAMPLE]
    for i, raw in enumerate(chosen):
        batch.push(i, 1_300_000_000_000_000, META, raw)
    found = digest(1, batch)
    message = found["message"].to_pylist()
    kept = [m for m in message if m["origin"] in origins]
    raws = [chosen[m["ordinal"]] for m in kept]
    heads = [re.split(rb"\r?\n\r?\n", r, maxsplit=1)[0] for r in raws]
    links = Counter(row["ordinal"] for row in found["link"].to_pylist())
    groups = Counter(m["exact"] for m in kept)
    sizes = sorted(groups.values(), reverse=True)
    n = len(kept)
    return {
        "messages": n,
        "size_bytes": [m["size_bytes"] for m in kept],
        "header_fields": [len(re.findall(rb"(?m)^[^\s:]+:", h)) for h in heads],
        "content_types": [len(re.findall(rb"(?im)^content-type:", r)) for r in raws],
        "links": [links[m["ordinal"]] for m in kept],
        "text_chars": [m["text_chars"] for m in kept],
        "attached": sum(m["attachment_count"] > 0 for m in kept) / n,
        "hidden": sum(m["hidden_chars"] > 20 for m in kept) / n,
        "defects": sum(bool(m["defects"].strip()) for m in kept) / n,
        "in_group": sum(s for s in sizes if s > 1) / n,
        "largest": sizes[0] / n,
        "ranks": sizes,
    }


def days(counts: list[float]) -> tuple[float, float, float]:
    """Dispersion over Poisson; spread and lag-1 memory of the logs, weekday taken out where there are weeks enough."""
    y = np.array(counts, dtype=np.float64)
    logs = np.log(y + 0.5)
    if len(y) >= 28:
        logs = logs - np.array([logs[i % 7 :: 7].mean() for i in range(len(y))])
    moved = logs - logs.mean()
    return float(y.var() / y.mean()), float(moved.std()), float((moved[1:] * moved[:-1]).sum() / (moved**2).sum())


def real_days(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """Counts of the corpora's series."""
    daily = json.loads((folder / "series" / "trec07p-daily-counts.json").read_text("utf-8"))
    yield "trec07p, spam by day", [n for key, n in daily.items() if key.endswith(" spam")]
    monthly = json.loads((folder / "series" / "openlists-trap-monthly.json").read_text("utf-8"))
    months: Counter[str] = Counter()
    for key, n in monthly.items():
        months[key[:7]] += n
    yield "openlists trap, by month", [months[m] for m in sorted(months)]


def made_days() -> Iterator[tuple[str, list[float]]]:
    """Counts of shipped worlds, before any event."""
    for name in (
        "march-2011",
        "calibration-episodes",
        "calibration-bursts",
        "calibration-heavy",
        "calibration-regimes",
    ):
        world = generate(load_scenario(name), seed=1)
        by_day = world.rates.counts[0].sum(axis=1)
        whole = by_day[: len(by_day) // 24 * 24].reshape(-1, 24).sum(axis=1)
        first = 115 if name == "march-2011" else 0
        yield f"{name}, by day", [float(x) for x in whole[first : first + 70] if x]


def three(values: list[int]) -> str:
    """10th, 50th and 90th percentile."""
    return " / ".join(f"{int(np.percentile(values, q)):,}" for q in (10, 50, 90))


def table(columns: dict[str, dict[str, Any]], series: list[tuple[str, list[float]]]) -> str:
    """Both tables as Markdown."""
    rows = [
        ("messages", lambda c: f"{c['messages']:,}"),
        ("bytes", lambda c: three(c["size_bytes"])),
        ("header fields", lambda c: three(c["header_fields"])),
        ("Content-Type fields", lambda c: three(c["content_types"])),
        ("links", lambda c: three(c["links"])),
        ("characters of visible text", lambda c: three(c["text_chars"])),
        ("with an attachment", lambda c: f"{c['attached']:.0%}"),
        ("with hidden text", lambda c: f"{c['hidden']:.0%}"),
        ("with a defect", lambda c: f"{c['defects']:.0%}"),
        ("in an exact group of two or more", lambda c: f"{c['in_group']:.0%}"),
        ("in the largest exact group", lambda c: f"{c['largest']:.1%}"),
    ]
    out = "| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns) + "\n"
    for name, cell in rows:
        out += f"| {name} | " + " | ".join(cell(c) for c in columns.values()) + " |\n"
    out += "\n| days | variance over mean | sd of log counts | memory from one to the next |\n|---|---|---|---|\n"
    for name, counts in series:
        over, spread, memory = days(counts)
        out += f"| {name} | {over:.1f} | {spread:.2f} | {memory:.2f} |\n"
    return out


def figure(columns: dict[str, dict[str, Any]]) -> str:
    """Rank and size of exact groups, both on log scales."""
    wide, high, left, top = 640, 330, 56, 34
    inks = ["#1f5fa8", "#3f8fd0", "#7fb6e2", "#b3541e", "#e08a4a"]
    most = max(c["ranks"][0] for c in columns.values())
    last = max(len(c["ranks"]) for c in columns.values())

    def at(rank: int, size: int) -> str:
        x = left + (wide - left - 150) * np.log(rank) / np.log(last)
        y = top + (high - top - 46) * (1 - np.log(size) / np.log(most))
        return f"{x:.1f},{y:.1f}"

    marks = [f'<text x="{left}" y="18" font-size="13">Exact groups by rank: messages of each, of about 1,500</text>']
    for i, (name, c) in enumerate(columns.items()):
        shown = sorted({round(float(r)) for r in np.geomspace(1, len(c["ranks"]), 60)})
        points = " ".join(at(r, c["ranks"][r - 1]) for r in shown)
        dash = ' stroke-dasharray="6 3"' if name in MADE else ""
        marks.append(f'<polyline points="{points}" fill="none" stroke="{inks[i]}" stroke-width="2"{dash}/>')
        y = top + 16 + 18 * i
        marks.append(
            f'<line x1="{wide - 190}" x2="{wide - 164}" y1="{y - 4}" y2="{y - 4}" stroke="{inks[i]}" stroke-width="2"{dash}/>'
        )
        marks.append(f'<text x="{wide - 158}" y="{y}" font-size="11">{name.split("-2007")[0]}</text>')
    for tick in (1, 10, 100, 1000):
        if tick <= last:
            x = at(tick, 1).split(",")[0]
            marks.append(f'<text x="{x}" y="{high - 26}" font-size="11" text-anchor="middle">{tick}</text>')
        if tick <= most:
            y = at(1, tick).split(",")[1]
            marks.append(f'<text x="{left - 8}" y="{y}" font-size="11" text-anchor="end">{tick}</text>')
    marks.append(f'<text x="{left}" y="{high - 8}" font-size="11">rank of the group; dashed: simulated</text>')
    inner = "\n".join(marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" role="img">\n'
        f"<title>Rank and size of exact groups, real and simulated</title>\n"
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>\n{inner}\n</svg>\n'
    )


def main() -> None:
    """Compare, print, and with --write put it into the docs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    folder = Path(os.environ["SPAMTIDE_CORPUS"])
    # What reached a list's trap bears the fields of the list.
    columns = {name: facts(real_messages(folder, name), ("unsolicited", "list")) for name in REAL}
    columns |= {name: facts(made_messages(name, scale)) for name, scale in MADE.items()}
    text = table(columns, [*real_days(folder), *made_days()])
    print(text)
    if write:
        FIGURE.write_text(figure(columns), "utf-8")
        document = DOCUMENT.read_text("utf-8")
        before, _, rest = document.partition(BEGIN)
        DOCUMENT.write_text(before + BEGIN + "\n" + text + "\n" + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
