"""Near-duplicates: accuracy and speed beside the libraries people reach for, on the same text in the same run.

    python bench/near_duplicates.py [--set dev|made|all] [--peers VENV/bin/python] [--only PEER]

The peers (datasketch, rensa, gaoya, ssdeep as ppdeep, TLSH, Nilsimsa, simhash) are given subject and visible text of every
message and the threshold that is best for them *on this very set*; ours has the thresholds that ship. Time is of the processor, from
text to groups: shingles that a library leaves to its caller are cut in Python, counted, and told apart. ssdeep's digests are compared
where they share seven characters in a row, as its own matching asks. Digests in the manner
of Pyzor and shingles in the manner of rspamd are written here from their descriptions. Accepted pairs are joined; what is
printed is B-cubed. `dev` is private and labelled; `made` are campaigns whose words no language has, on which nothing was tuned.
Of `dev` whole messages are grouped as well, links behind words and the order of tags included: as they are, all on one host, under one subject, under none.

The peers live in a folder of their own: `uv venv V && uv pip install --python V/bin/python -r bench/peers/near_duplicates.txt`.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "tests")]

from campaign_texts import b_cubed, made  # noqa: E402
from measure import calibrate, corpus  # noqa: E402

Rows = list[dict[str, Any]]


HOST = re.compile(r"(https?://)[^/\s\"'<>?]+", re.IGNORECASE)


def labelled() -> tuple[Rows, list[object]] | None:
    """The labelled set: whole messages, and the campaign of each; None where it is absent."""
    folder = corpus()
    path = folder and folder / "neardup-dev" / "dev10k.jsonl.xz"
    if not path or not path.exists():
        return None
    lines = [json.loads(line) for line in lzma.decompress(path.read_bytes()).splitlines()]
    rows = []
    for line in lines:
        kind = "html" if line["ctype"] == "text/html" else "text"
        rows.append({"subject": line["subject"], kind: line["body"]})
    return rows, [line["label"] for line in lines]


def digested(rows: Rows) -> Iterator[dict[str, Any]]:
    """Tables of the digest of messages given as text or HTML, a thousand at a time."""
    from spamtide.app.grouping import as_message
    from spamtide.fingerprint import digest
    from spamtide.fingerprint.kernel import RecordBatch

    for first in range(0, len(rows), 1_000):
        batch = RecordBatch()
        for i, row in enumerate(rows[first : first + 1_000]):
            batch.push(i, 0, b"{}", as_message(row, "a row"))
        yield digest(1, batch)


def extracted(rows: Rows) -> Rows:
    """Subject and visible text of messages, by the digest itself."""
    out: Rows = []
    for tables in digested(rows):
        subjects = tables["message"]["subject"].to_pylist()
        texts = tables["text"]["text_lower"].to_pylist()
        out += [{"subject": s or "", "text": t} for s, t in zip(subjects, texts, strict=True)]
    return out


def ours(rows: Rows, truth: list[object], name: str) -> dict[str, Any]:
    """Accuracy and messages a second on one core: fingerprints and grouping apart."""
    from spamtide.campaign import lowest_of_each, settle
    from spamtide.fingerprint import fingerprint_texts

    texts, subjects = [r["text"] for r in rows], [r["subject"] for r in rows]
    best: dict[str, Any] = {}
    for _ in range(3):
        started = time.process_time()
        prints = fingerprint_texts(texts, subjects)
        printed = time.process_time()
        rest = lowest_of_each(prints)
        settled = settle(rest)
        ended = time.process_time()
        exact = rest["exact"].to_pylist()
        label = {e: exact[i] for e, i in zip(exact, settled.label.to_pylist(), strict=True)}
        found = [label[e] for e in prints["exact"].to_pylist()]
        took = ended - started
        if not best or took < best["seconds"]:
            p, r, f = b_cubed(truth, found)
            size = sum(
                prints[c].nbytes for c in prints.column_names if c not in ("piece_marks", "picture_marks", "form_marks")
            )
            best = {
                "method": name, "precision": p, "recall": r, "f1": f, "seconds": took, "per_second": len(rows) / took,
                "fingerprint_us": (printed - started) / len(rows) * 1e6, "group_us": (ended - printed) / len(rows) * 1e6,
                "bytes": size / len(rows), "threshold": "as shipped",
            }  # fmt: skip
    return best


def whole(rows: Rows, truth: list[object]) -> tuple[float, float, float]:
    """B-cubed precision, recall and F1 of whole messages."""
    import pyarrow as pa

    from spamtide.campaign import lowest_of_each, settle

    prints = pa.concat_tables([tables["sketch"] for tables in digested(rows)])
    rest = lowest_of_each(prints)
    exact = rest["exact"].to_pylist()
    label = {e: exact[i] for e, i in zip(exact, settle(rest).label.to_pylist(), strict=True)}
    found: tuple[float, float, float] = b_cubed(truth, [label[e] for e in prints["exact"].to_pylist()])
    return found


def show_whole(rows: Rows, truth: list[object]) -> list[str]:
    """Print how whole messages are grouped; those below their floor."""
    on_one = [{k: HOST.sub(r"\1shop.example", v) if k != "subject" else v for k, v in row.items()} for row in rows]
    kinds = {
        "as they are": rows,
        "all on one host": on_one,
        "one subject": [{**row, "subject": "Important news for you"} for row in rows],
        "no subject": [{**row, "subject": ""} for row in rows],
    }
    print("\ndev, whole messages\n| messages | precision | recall | B-cubed F1 |\n|---|---|---|---|")
    missed = []
    for name, some in kinds.items():
        p, r, f = whole(some, truth)
        print(f"| {name} | {p:.4f} | {r:.4f} | {f:.4f} |", flush=True)
        if f < (0.995 if some is rows else 0.97):
            missed.append(f"whole messages, {name}")
    return missed


def peers(python: str, rows: Rows, truth: list[object], only: str | None) -> Rows:
    """What bench/peers/near_duplicates.py, run by another interpreter, says of the same rows."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
        for row, label in zip(rows, truth, strict=True):
            file.write(json.dumps({"text": row["subject"] + "\n" + row["text"], "label": str(label)}) + "\n")
    command = [python, str(HERE / "peers" / "near_duplicates.py"), file.name, *([only] if only else [])]
    done = subprocess.run(command, capture_output=True, text=True)
    Path(file.name).unlink()
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def show(title: str, found: Rows) -> None:
    print(
        f"\n{title}\n| method | threshold | precision | recall | B-cubed F1 | messages/s |\n|---|---|---|---|---|---|"
    )
    for row in found:
        print(
            f"| {row['method']} | {row['threshold']} | {row['precision']:.4f} | {row['recall']:.4f} | {row['f1']:.4f} "
            f"| {row['per_second']:,.0f} |"
        )


def main() -> None:
    """Print the tables; ends with 1 where a floor is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=("dev", "made", "all"), default="all")
    parser.add_argument("--peers", help="Python interpreter that has the peers")
    parser.add_argument("--only", help="one peer")
    args = parser.parse_args()
    print(f"calibration: {calibrate():.1f} million SHA-256 blocks/s")
    sets: dict[str, tuple[Rows, list[object]]] = {}
    given = labelled() if args.set != "made" else None
    missed = show_whole(*given) if given else []
    if given:
        rows, truth = extracted(given[0]), given[1]
        sets["dev"] = (rows, truth)
        for name, subject in (("dev, all subjects alike", "Important news for you"), ("dev, no subject", "")):
            sets[name] = ([{**row, "subject": subject} for row in rows], truth)
    if args.set != "dev":
        for seed in (101, 102, 103):
            texts = made(seed, campaigns=300, members=40, alone=2_000)
            label: list[object] = [f"alone {i}" if m.campaign is None else m.campaign for i, m in enumerate(texts)]
            sets[f"made {seed}"] = ([{"subject": m.subject, "text": m.text} for m in texts], label)
    for name, (rows, truth) in sets.items():
        mine = ours(rows, truth, "**spamtide**")
        against = peers(args.peers, rows, truth, args.only) if args.peers and name in ("dev", "made 101") else []
        show(f"{name}: {len(rows)} messages", [mine, *against])
        print(
            f"fingerprint {mine['fingerprint_us']:.1f} us, grouping {mine['group_us']:.1f} us, {mine['bytes']:.0f} bytes a message"
        )
        floor = {"dev": 0.995}.get(name, 0.97 if name.startswith("dev") else 0.99)
        if mine["f1"] < floor or ((name in ("dev",) or name.startswith("made")) and mine["precision"] < 0.985):
            missed.append(name)
        if against:
            fastest = max(
                against, key=lambda r: r["per_second"] if r["method"] not in ("exact text", "Pyzor-like") else 0
            )
            print(f"{mine['per_second'] / fastest['per_second']:.1f} times the fastest, {fastest['method']}")
            for row in against:
                if row["cutting_us"]:
                    alone = 1e6 / (1e6 / row["per_second"] - row["cutting_us"])
                    print(
                        f"{row['method']}: {row['cutting_us']:.0f} us of it are shingles cut in Python; without them {alone:,.0f} messages/s"
                    )
    if missed:
        raise SystemExit(f"floor missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
