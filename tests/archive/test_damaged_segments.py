"""Files of a segment that vouch for themselves and are wrong: an error that names the file, never a crash of the kernel."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spamtide.archive import fresh_salts
from spamtide.archive.kernel import (
    CaptureBatch,
    CorruptSegment,
    SegmentWriter,
    erase_records,
    read_records,
    scan_open,
    verify_segment,
)

Seal = dict[str, Any]


def batch(*raws: bytes, meta: bytes = b'{"v": 1}') -> CaptureBatch:
    made = CaptureBatch()
    for raw in raws:
        made.push(0, meta, raw)
    return made


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A sealed segment of three records."""
    writer = SegmentWriter.create(str(tmp_path / "x"), "f", "w", 1, "0" * 64)
    writer.append(batch(b"one", b"two", b"three"), fresh_salts(3))
    writer.commit()
    writer.seal()
    return tmp_path / "x"


def resealed(base: Path, change: Callable[[Seal], object]) -> None:
    """The seal changed, its own hash made to hold; and the headers of its frames are what it says."""
    path = base.with_suffix(".seal")
    seal = json.loads(path.read_bytes().rsplit(b"\n", 2)[0])
    change(seal)
    said = json.dumps(seal).encode() + b"\n"
    path.write_bytes(said + hashlib.sha256(said).hexdigest().encode() + b"\n")
    frames = bytearray(base.with_suffix(".seg").read_bytes())
    for frame in seal["frames"]:
        head = b"STFR" + b"".join(frame[k].to_bytes(4, "little") for k in ("first", "count", "plain", "packed"))
        at = frame["offset"]
        if at < len(frames):
            frames[at : at + 24] = head + zlib.crc32(head).to_bytes(4, "little")
    base.with_suffix(".seg").write_bytes(frames)


def frame(**fields: int) -> Callable[[Seal], object]:
    return lambda seal: seal["frames"][0].update(fields)


WRONG: dict[str, Callable[[Seal], object]] = {
    "a frame beyond the end": frame(offset=2**64 - 1),
    "a frame longer than its file": frame(packed=2**32 - 1),
    "a frame that unpacks to more than records hold": frame(plain=2**32 - 1),
    "fewer records than the index": frame(count=1),
    "more records than the index": frame(count=2**32 - 1),
    "a frame that is there twice": lambda seal: seal["frames"].append(seal["frames"][0]),
    "no frame": lambda seal: seal["frames"].clear(),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_seal_that_is_wrong_is_an_error_to_who_erases_and_a_problem_to_who_verifies(base: Path, name: str) -> None:
    resealed(base, WRONG[name])
    with pytest.raises(CorruptSegment):
        erase_records(str(base), [1])
    assert verify_segment(str(base))["problems"]


@pytest.mark.parametrize("name", [n for n in WRONG if n.startswith("a frame") and "twice" not in n])
def test_what_a_wrong_seal_says_of_a_frame_is_not_allocated(base: Path, name: str) -> None:
    resealed(base, WRONG[name])
    with pytest.raises(CorruptSegment):
        read_records(str(base))


def test_first_and_count_of_a_frame_may_pass_the_largest_number(base: Path) -> None:
    resealed(base, frame(first=2, count=2**32 - 1))
    assert len(read_records(str(base), 2)) == 3


def test_a_record_that_no_reader_would_take_is_not_written(tmp_path: Path) -> None:
    writer = SegmentWriter.create(str(tmp_path / "x"), "f", "w", 1, "0" * 64)
    large = batch(b"x", meta=json.dumps({"v": 1, "helo": "h" * (16 << 20)}).encode())
    with pytest.raises(ValueError, match="larger than the format allows"):
        writer.append(large, fresh_salts(1))
    writer.append(batch(b"next"), fresh_salts(1))
    writer.commit()
    assert [read_records(str(tmp_path / "x")).get(0)[3], writer.records] == [b"next", 1]


def carried(tmp_path: Path) -> tuple[Path, int]:
    """An open segment whose second of three messages carries the bytes of a record; where that record begins."""
    other = SegmentWriter.create(str(tmp_path / "other"), "f", "w", 1, "0" * 64)
    other.append(batch(b"x", b"forged"), fresh_salts(2))
    whole = (tmp_path / "other.open").read_bytes()
    inner = whole[whole.rindex(b"STR1") :]
    writer = SegmentWriter.create(str(tmp_path / "x"), "f", "w", 1, "0" * 64)
    writer.append(batch(b"first", b"before " + inner + b" behind", b"third"), fresh_salts(3))
    writer.commit()
    return tmp_path / "x", (tmp_path / "x.open").read_bytes().index(inner)


def test_a_record_that_a_torn_message_carries_is_none_of_ours(tmp_path: Path) -> None:
    base, _ = carried(tmp_path)
    path = base.with_suffix(".open")
    path.write_bytes(path.read_bytes()[: path.read_bytes().rindex(b" behind")])
    assert scan_open(str(base))["records"] == 1
    writer, torn, rot = SegmentWriter.recover(str(base))
    assert (writer.records, torn > 0, rot) == (1, True, [])


def test_a_record_that_a_rotten_message_carries_is_none_of_ours(tmp_path: Path) -> None:
    base, at = carried(tmp_path)
    data = bytearray(base.with_suffix(".open").read_bytes())
    data[at - 2] ^= 1
    base.with_suffix(".open").write_bytes(data)
    found = scan_open(str(base))
    assert (found["records"], found["torn"], len(found["rot"])) == (2, 0, 1)


def test_behind_rot_a_record_is_named_by_its_place(tmp_path: Path) -> None:
    base, _ = carried(tmp_path)
    data = bytearray(base.with_suffix(".open").read_bytes())
    data[data.index(b"first")] ^= 1
    base.with_suffix(".open").write_bytes(data)
    writer, _, rot = SegmentWriter.recover(str(base))
    assert len(rot) == 1
    # Two are left, numbered 1 and 2 in their headers; the next one is given 2 again.
    writer.append(batch(b"fourth"), fresh_salts(1))
    writer.commit()
    writer.seal()
    read = read_records(str(base))
    assert [read.get(i)[0] for i in range(3)] == [0, 1, 2]
    assert read_records(str(base), 2).get(0)[3] == b"fourth"
    erase_records(str(base), [2])
    after = read_records(str(base))
    assert [(after.get(i)[3] != b"", after.get(i)[4]) for i in range(3)] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert all("stands where" in problem for problem in verify_segment(str(base))["problems"])
