"""Templates of campaigns whose members are known: how many have one, what is held back, what else is met, how long it takes.

    python bench/templates.py [--world march-2011 --scale .02 --seed 1] [--limit 60] [--tried]

Without ``--world`` the campaigns of corpora/neardup-dev. Each campaign's template is learnt from its distinct texts;
"held back" is measured by the inference itself, on messages it was not learnt from. Each template's expressions are then
run over all ham of the corpora and over every message of other campaigns and of none. With ``--tried`` half of those
texts are given to the inference to be avoided, and hits are counted on the other half.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
from measure import OUT, calibrate, corpus
from spamtide.app.config import People
from spamtide.app.digesting import digest_workspace
from spamtide.app.grouping import _rows
from spamtide.app.workspace import Workspace, now_us
from spamtide.archive import fresh_salts
from spamtide.campaign.template import Others, Refusal, Split, Text, infer_template
from spamtide.campaign.template.choosing import met
from spamtide.capture import CaptureBatch, SourceOptions, read_source
from spamtide.fingerprint import FACTS_VERSION

HAM = ("trec07p-ham-20070408-0424.mbox.xz", "spamassassin-ham.mbox.xz")


def texts(path: Path) -> list[Text]:
    """Subject and visible text of each message of a file, in its order, in lower case as the facts have them."""
    now = now_us()
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        workspace = Workspace.create(Path(folder) / "w", People())
        with workspace.archive.writer("bench", "group") as writer:
            items: Iterable[object] = (
                _rows(path, now) if path.suffix == ".jsonl" else read_source(path, SourceOptions("received", now))
            )
            for item in items:
                if isinstance(item, CaptureBatch):
                    writer.append(item, fresh_salts(len(item)))
        digest_workspace(workspace, now=now)
        found: dict[tuple[int, int], tuple[int, str]] = {}
        bodies: dict[tuple[int, int], str] = {}
        files = workspace.tables.snapshot(FACTS_VERSION).files
        for name in files["message"]:
            for row in pq.read_table(
                name, columns=["segment", "ordinal", "source_ordinal", "subject_lower"]
            ).to_pylist():
                found[row["segment"], row["ordinal"]] = row["source_ordinal"], row["subject_lower"]
        for name in files["text"]:
            for row in pq.read_table(name, columns=["segment", "ordinal", "text_lower"]).to_pylist():
                bodies[row["segment"], row["ordinal"]] = row["text_lower"]
    return [Text(subject, bodies[place]) for place, (_, subject) in sorted(found.items(), key=lambda p: p[1])]


def labelled() -> tuple[list[str], list[Text]]:
    """The development set of near-duplicates; labels that begin with B are messages on their own."""
    folder = corpus()
    if folder is None:
        raise SystemExit("This bench needs a folder of mail: set SPAMTIDE_CORPUS.")
    with lzma.open(folder / "neardup-dev" / "dev10k.jsonl.xz") as lines:
        rows = [json.loads(line) for line in lines]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", dir=OUT) as file:
        for row in rows:
            kind = "html" if row["ctype"] == "text/html" else "text"
            file.write(json.dumps({"subject": row["subject"], kind: row["body"]}) + "\n")
        file.flush()
        return [r["label"] for r in rows], texts(Path(file.name))


def simulated(world: str, scale: str, seed: str) -> tuple[list[str], list[Text]]:
    """A simulated world's messages with their campaigns."""
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        out = Path(folder) / "w"
        program = str(Path(sys.executable).with_name("spamtide"))
        asked = [program, "simulate", world, "--scale", scale, "--seed", seed, "--mbox", "--out", str(out)]
        subprocess.run(asked, check=True, stdout=subprocess.DEVNULL)
        truth = pq.read_table(out / "truth" / "messages.parquet").to_pylist()
        labels, found = [], []
        for mbox in sorted(out.glob("*.mbox")):
            rows = [r for r in truth if r["feed"] == mbox.stem]
            part = texts(mbox)
            if len(part) != len(rows):
                raise SystemExit(f"{mbox.name} has {len(part)} messages, its truth {len(rows)}.")
            labels += [r["near"] if r["group"] and not r["near"].endswith("/-1") else "B" for r in rows]
            found += part
        return labels, found


def main() -> None:
    """Infer, try, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--world", help="a shipped scenario, in place of the development set")
    arguments.add_argument("--scale", default="0.02")
    arguments.add_argument("--seed", default="1")
    arguments.add_argument("--limit", type=int, default=10**9, help="so many campaigns, in order of appearance")
    arguments.add_argument("--tried", action="store_true", help="half of the other texts are known to the inference")
    arguments.add_argument("--quiet", action="store_true", help="no line for each campaign that is not as it should be")
    given = arguments.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"calibration: {calibrate():.2f} M SHA-256 blocks/s")
    labels, found = simulated(given.world, given.scale, given.seed) if given.world else labelled()
    folder = corpus()
    ham = [t for name in HAM for t in texts(folder / name)] if folder else []
    owners = np.array([""] * len(ham) + labels, dtype=object)
    everything = ham + found
    known = np.arange(len(everything)) % 2 == 0 if given.tried else np.zeros(len(everything), bool)
    avoid = Others([t for t, k in zip(everything, known, strict=True) if k], owners[known].tolist())
    meet = Others([t for t, k in zip(everything, known, strict=True) if not k], owners[~known].tolist())
    members: dict[str, list[Text]] = defaultdict(list)
    for label, text in zip(labels, found, strict=True):
        if not label.startswith("B"):
            members[label].append(text)
    members = {k: v for k, v in list(members.items())[: given.limit] if len(v) >= 5}

    outcome: Counter[str] = Counter()
    shares, sizes, covered, seconds = [], [], [], []
    met_ham = met_others = templates = with_ham = with_others = 0
    for label, campaign in members.items():
        started = time.perf_counter(), time.process_time()
        result = infer_template(campaign, avoid if given.tried else None, owner=label)
        seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        if isinstance(result, Refusal):
            outcome[f"refused {result.reason}"] += 1
            if not given.quiet:
                print(f"{label}: {len(campaign)} messages, refused {result.reason} {dict(result.have)}")
            continue
        several = result.templates if isinstance(result, Split) else (result,)
        outcome["split" if isinstance(result, Split) else "one template"] += 1
        all_matched = np.zeros(len(campaign), bool)
        for template in several:
            templates += 1
            where = meet.owners[met(template.subject_regex, template.body_regex, meet, label)]
            hit_ham, hit_other = int((where == "").sum()), int((where != "").sum())
            met_ham, met_others = met_ham + hit_ham, met_others + hit_other
            with_ham, with_others = with_ham + bool(hit_ham), with_others + bool(hit_other)
            shares.append(template.held_back.share)
            sizes.append(template.held_back.n)
            all_matched |= np.array(template.matches_each(campaign))
            if not given.quiet and (hit_ham or hit_other or not template.fits):
                held = template.held_back
                print(
                    f"{label}: {template.messages} messages, held back {held.matched} of {held.n}, ham {hit_ham}, others {hit_other} {sorted(set(where))[:3]}, {template.bits} bits"
                )
        covered.append(all_matched.mean())
    held, n = np.array(shares), np.array(sizes)
    wall, cpu = np.array(seconds).T
    print(f"campaigns of 5 messages or more: {len(members)}; {dict(outcome)}")
    print(
        f"held back: median {np.median(held):.3f}, worst {held.min():.3f}, "
        f"at 95 % or more {(held >= 0.95).mean():.3f} of {len(held)} templates, "
        f"{(held[n >= 20] >= 0.95).mean() if (n >= 20).any() else float('nan'):.3f} of {(n >= 20).sum()} with 20 or more; "
        f"of all messages held back {(held * n).sum() / n.sum():.4f}"
    )
    print(
        f"members matched by their campaign's templates: mean {np.mean(covered):.3f}, worst campaign {min(covered):.3f}"
    )
    print(f"met on {int((meet.owners == '').sum())} ham: {met_ham} ({with_ham} of {templates} templates)")
    print(f"met on other campaigns and singles: {met_others} ({with_others} of {templates} templates)")
    print(
        f"a campaign: CPU mean {cpu.mean():.2f} s, 95 % {np.quantile(cpu, 0.95):.2f} s, most {cpu.max():.2f} s; wall mean {wall.mean():.2f} s"
    )


if __name__ == "__main__":
    main()
