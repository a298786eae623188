"""The peers of bench/near_duplicates.py, each at the threshold that is best on the rows it is given. Imports nothing of ours."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

Pairs = list[tuple[int, int, float]]
GRID = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]


def shingles(text: str) -> list[str]:
    """Word 3-grams of the lower-case text, of fewer than three words the text."""
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + 3]) for i in range(len(words) - 2)] or [" ".join(words)]


def datasketch(texts: list[str]) -> Pairs:
    from datasketch import MinHash, MinHashLSH

    index, sketches, pairs = MinHashLSH(threshold=0.2, num_perm=128), [], []
    for i, text in enumerate(texts):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([s.encode() for s in shingles(text)])
        for j in index.query(sketch):
            pairs.append((j, i, sketch.jaccard(sketches[j])))
        index.insert(i, sketch, check_duplication=False)
        sketches.append(sketch)
    return pairs


def rensa(texts: list[str]) -> Pairs:
    import rensa as lib

    index, sketches, pairs = lib.RMinHashLSH(threshold=0.2, num_perm=128, num_bands=64), [], []
    for i, text in enumerate(texts):
        sketch = lib.RMinHash(num_perm=128, seed=1)
        sketch.update(shingles(text))
        for j in index.query(sketch):
            pairs.append((j, i, sketch.jaccard(sketches[j])))
        index.insert(i, sketch)
        sketches.append(sketch)
    return pairs


def gaoya(texts: list[str]) -> Pairs:
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32,
        jaccard_threshold=0.1,
        num_bands=64,
        band_size=2,
        analyzer="word",
        ngram_range=(3, 3),
        lowercase=True,
    )
    pairs = []
    for i, text in enumerate(texts):
        pairs += [(j, i, s) for j, s in index.query(text, return_similarity=True)]
        index.insert_document(i, text)
    return pairs


def ssdeep(texts: list[str]) -> Pairs:
    import ppdeep

    digests = [ppdeep.hash(t) for t in texts]
    grams: dict[str, set[int]] = defaultdict(set)
    pairs = []
    for i, digest in enumerate(digests):
        met: set[int] = set()
        for part in digest.split(":")[1:]:
            for k in range(len(part) - 6):
                held = grams[part[k : k + 7]]
                met |= held
                held.add(i)
        pairs += [(j, i, ppdeep.compare(digests[j], digest) / 100) for j in met if j != i]
    return pairs


def tlsh(texts: list[str]) -> Pairs:
    import tlsh as lib

    held, pairs = [], []
    for i, text in enumerate(texts):
        one = lib.Tlsh()
        one.update(text.encode())
        try:
            one.final()
        except ValueError:
            continue
        for j, other in held:
            distance = one.diff(other)
            if distance < 200:
                pairs.append((j, i, 1 - distance / 200))
        held.append((i, one))
    return pairs


def nilsimsa(texts: list[str]) -> Pairs:
    from nilsimsa import Nilsimsa

    codes = np.array([list(bytes.fromhex(Nilsimsa(t.encode()).hexdigest())) for t in texts], np.uint8)
    bits = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
    pairs: Pairs = []
    for first in range(0, len(texts), 500):
        same = bits[first : first + 500] @ bits.T / 256
        rows, columns = np.nonzero(same > 0.4)
        pairs += [
            (int(j), int(i) + first, float(same[i, j])) for i, j in zip(rows, columns, strict=True) if j < i + first
        ]
    return pairs


def simhash(texts: list[str]) -> Pairs:
    from simhash import Simhash

    codes = np.array([Simhash(shingles(t)).value for t in texts], np.uint64)
    bits = np.unpackbits(codes.view(np.uint8).reshape(-1, 8), axis=1).astype(np.float32) * 2 - 1
    pairs: Pairs = []
    for first in range(0, len(texts), 500):
        same = bits[first : first + 500] @ bits.T / 64
        rows, columns = np.nonzero(same > 0.3)
        pairs += [
            (int(j), int(i) + first, float(same[i, j])) for i, j in zip(rows, columns, strict=True) if j < i + first
        ]
    return pairs


def equal(key: Callable[[str], str]) -> Callable[[list[str]], Pairs]:
    def run(texts: list[str]) -> Pairs:
        first: dict[str, int] = {}
        return [(j, i, 1.0) for i, t in enumerate(texts) if (j := first.setdefault(key(t), i)) != i]

    return run


def pyzor(text: str) -> str:
    """In the manner of Pyzor's digest: lines without addresses, links and long words, three at a fifth and at three fifths."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r"\S{10,}|\S+@\S+|[a-z]+:\S+", "", line)
        line = re.sub(r"\s", "", line)
        if len(line) > 8:
            lines.append(line)
    if len(lines) > 4:
        at = [len(lines) // 5, len(lines) * 3 // 5]
        lines = [x for a in at for x in lines[a : a + 3]]
    return hashlib.sha1("".join(lines).encode()).hexdigest()


def rspamd(texts: list[str]) -> Pairs:
    """In the manner of rspamd's shingles: 32 minima of hashed word 3-grams, the share of equal ones."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 2**63, 32, np.uint64) | np.uint64(1), rng.integers(0, 2**63, 32, np.uint64)
    slots: dict[tuple[int, int], list[int]] = defaultdict(list)
    pairs = []
    for i, text in enumerate(texts):
        values = np.array(
            [int.from_bytes(hashlib.blake2b(s.encode(), digest_size=8).digest(), "little") for s in shingles(text)],
            np.uint64,
        )
        minima = (values[:, None] * a + b).min(0)
        met: Counter[int] = Counter()
        for k, value in enumerate(minima.tolist()):
            held = slots[k, value]
            met.update(held)
            held.append(i)
        pairs += [(j, i, n / 32) for j, n in met.items() if n > 1]
    return pairs


METHODS: dict[str, Callable[[list[str]], Pairs]] = {
    "datasketch": datasketch, "rensa": rensa, "gaoya": gaoya, "ssdeep (ppdeep)": ssdeep, "TLSH": tlsh, "Nilsimsa": nilsimsa,
    "simhash": simhash, "rspamd-like": rspamd, "Pyzor-like": equal(pyzor), "exact text": equal(lambda t: " ".join(t.split())),
}  # fmt: skip


# Every so manieth message so that about these many are left: comparing digests in Python takes milliseconds a pair. Fewer messages
# are fewer pairs a message, so this flatters its speed.
SAMPLE = {"ssdeep (ppdeep)": 1_000}

# Libraries that take shingles and leave cutting the text to whoever calls them: here Python does it, and it is counted.
GIVEN_SHINGLES = ("datasketch", "rensa", "simhash", "rspamd-like")


def joined(n: int, pairs: Iterator[tuple[int, int]]) -> list[int]:
    parent = list(range(n))

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = x = parent[parent[x]]
        return x

    for a, b in pairs:
        parent[root(a)] = root(b)
    return [root(x) for x in range(n)]


def b_cubed(truth: list[str], found: list[int]) -> tuple[float, float, float]:
    both, true, said = Counter(zip(truth, found, strict=True)), Counter(truth), Counter(found)
    n = len(truth)
    p = sum(v * v / said[k[1]] for k, v in both.items()) / n
    r = sum(v * v / true[k[0]] for k, v in both.items()) / n
    return p, r, 2 * p * r / (p + r)


def main() -> None:
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    all_texts, all_truth = [r["text"] for r in rows], [r["label"] for r in rows]
    started = time.process_time()
    for text in all_texts:
        shingles(text)
    cutting = (time.process_time() - started) / len(rows)
    for name, method in METHODS.items():
        if sys.argv[2:] and sys.argv[2] not in name:
            continue
        step = max(1, len(rows) // SAMPLE.get(name, len(rows)))
        texts, truth = all_texts[::step], all_truth[::step]
        started = time.process_time()
        try:
            pairs = method(texts)
        except Exception as error:  # a peer that fails is a row that says so
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        took = time.process_time() - started
        scored = [(b_cubed(truth, joined(len(texts), ((a, b) for a, b, s in pairs if s >= t))), t) for t in GRID]
        (p, r, f), threshold = max(scored, key=lambda s: s[0][2])
        print(
            json.dumps(
                {
                    "method": name if step == 1 else f"{name}, {len(texts):,} of the messages",
                    "threshold": threshold,
                    "precision": p,
                    "recall": r,
                    "f1": f,
                    "per_second": len(texts) / took,
                    "cutting_us": cutting * 1e6 if name in GIVEN_SHINGLES else 0,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
