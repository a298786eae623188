"""What spamtide writes is read by a program that knows only docs/reference/segment-format.md."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import json
import random
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from doc_tables import ROOT, codes, section, tables
from spamtide.app.workspace import Workspace
from spamtide.archive import fresh_salts, verify_archive
from spamtide.archive.kernel import erase_records, thin_records

RNG = random.Random(8)


def load_reader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("format_reader", Path(__file__).parent / "format_reader.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["format_reader"] = module
    spec.loader.exec_module(module)
    return module


reader = load_reader()
RAWS = [
    b"From: a@b.example\nReturn-Path: <caf\xc3\xa9@b.example>\nSubject: %d\n\n" % i
    + RNG.randbytes(RNG.randrange(0, 9000)).hex().encode()
    + b"\n"
    for i in range(900)
]


@pytest.fixture(scope="module")
def workspace(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Sealed segments of two writers, one of them of several frames; an open one; the journal; two messages erased."""
    folder: Path = tmp_path_factory.mktemp("format")
    w = ("--workspace", folder / "w")
    (folder / "m.mbox").write_bytes(b"".join(b"From x Mon Mar  7 10:00:00 2011\n" + r + b"\n" for r in RAWS))
    assert spamtide("init", folder / "w").code == 0
    assert spamtide(*w, "import", folder / "m.mbox", "--feed", "f").code == 0
    (folder / "n.mbox").write_bytes(b"From y Tue Mar  8 10:00:00 2011\nSubject: later\n\nx\n")
    assert spamtide(*w, "import", folder / "n.mbox", "--feed", "f").code == 0
    assert (
        spamtide(
            *w, "archive", "erase", 'exact:subject:"7" before:2011-03-07T00:00:01Z', "--reason", "none", "--yes"
        ).code
        == 1
    )
    assert spamtide(*w, "archive", "erase", 'subject:"17" OR subject:"800"', "--reason", "asked", "--yes").code == 0
    workspace = Workspace(folder / "w")
    from spamtide.archive import CaptureBatch

    with workspace.archive.writer("f", "other") as writer:
        batch = CaptureBatch()
        batch.push(
            -5,
            b'{"v": 1, "from": "", "to": ["one@trap.example", "\xc3\xbc@trap.example"], "time_origin": "smtp"}',
            b"still open",
        )
        writer.append(batch, fresh_salts(1))
        writer.close(seal=False)
    return workspace


def test_every_byte_is_what_was_imported(workspace: Workspace) -> None:
    segments = reader.folder(workspace.root / "archive" / "segments" / "f")
    assert [(b.name, s.seal is None) for b, s in segments] == [
        ("import-000001", False),
        ("import-000002", False),
        ("other-000001", True),
    ]
    first = segments[0][1]
    assert len(first.seal["frames"]) > 1
    assert [r.raw for r in first.records] == [b"" if i in (17, 800) else raw for i, raw in enumerate(RAWS)]
    for r in first.records:
        if not r.erased:
            meta = json.loads(r.meta)
            assert meta["sha256"] == hashlib.sha256(r.raw).hexdigest()
            assert meta["source"]["ordinal"] == r.ordinal


def test_the_reader_and_spamtide_agree_on_every_record(workspace: Workspace) -> None:
    archive = workspace.archive
    for info in archive.segments("f"):
        found = dict(reader.folder(Path(info.base).parent))[Path(info.base)]
        assert (found.chain, found.header["previous_chain"], len(found.records)) == (
            info.chain,
            info.previous_chain,
            info.records,
        )
        batch = archive.records(info)
        assert [batch.get(i) for i in range(len(batch))] == [
            (r.ordinal, r.received_at, r.meta, r.raw, r.erased) for r in found.records
        ]


def test_content_is_the_documented_digest(workspace: Workspace) -> None:
    found = verify_archive(workspace.archive)
    assert found.ok and found.erased == 2
    assert reader.content(workspace.root / "archive") == found.content


def test_the_journal_has_the_same_format_and_the_documented_kinds(workspace: Workspace) -> None:
    listed = {codes(r[0])[0] for r in tables(section(ROOT / "docs" / "reference" / "segment-format.md", "Journal"))[0]}
    kinds = set()
    for _, segment in reader.folder(workspace.root / "archive" / "journal"):
        for r in segment.records:
            kinds.add(json.loads(r.meta)["from"])
            json.loads(r.raw)
    assert kinds == {"feed", "erasure"} and kinds <= listed
    source = "".join(p.read_text("utf-8") for p in (ROOT / "src" / "spamtide").rglob("*.py"))
    assert all(f'"{kind}"' in source for kind in listed)


def test_a_tombstone_holds_nothing_that_a_guess_could_be_checked_against(workspace: Workspace) -> None:
    _, segment = reader.folder(workspace.root / "archive" / "segments" / "f")[0]
    erased = [r for r in segment.records if r.erased]
    assert [r.ordinal for r in erased] == [17, 800]
    everything = b"".join(p.read_bytes() for p in (workspace.root / "archive").rglob("*") if p.is_file())
    for r in erased:
        assert (r.salt, r.meta, r.raw) == (bytes(16), b"", b"")
        digest = hashlib.sha256(RAWS[r.ordinal]).digest()
        assert digest not in everything and digest.hex().encode() not in everything
        # Whoever guesses the message has no salt to try it with.
        fixed = b"STR1" + r.ordinal.to_bytes(4, "little")
        assert r.leaf not in {hashlib.sha256(bytes(16) + fixed + digest).digest(), digest}


def test_the_mark_of_an_erasure_is_keyed(workspace: Workspace) -> None:
    key = (workspace.root / "archive" / "key").read_bytes()
    assert hashlib.sha256(key[:32]).digest() == key[32:]
    (entry,) = workspace.archive.journal.read("erasure")
    wanted = {
        hmac.new(key[:32], b"erased" + hashlib.sha256(RAWS[i]).digest(), hashlib.sha256).hexdigest() for i in (17, 800)
    }
    assert set(entry.body["marks"]) == wanted


def test_a_thinned_record_is_read_as_documented(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root / "archive" / "segments" / "f", tmp_path / "f")
    before = reader.sealed(tmp_path / "f" / "import-000001")
    thin_records(str(tmp_path / "f" / "import-000001"), [0, 17, 500, 899])
    after = reader.sealed(tmp_path / "f" / "import-000001")
    assert [r.ordinal for r in after.records if r.thinned] == [0, 500, 899]
    for old, new in zip(before.records, after.records, strict=True):
        assert (old.meta, old.raw_hash, old.leaf, old.salt) == (new.meta, new.raw_hash, new.leaf, new.salt)
        assert new.raw == (old.raw[: old.raw.index(b"\n\n") + 2] if new.thinned else old.raw)
    assert after.chain == before.chain
    # The format holds whatever is done next: thinned again, or erased.
    thin_records(str(tmp_path / "f" / "import-000001"), [500])
    erase_records(str(tmp_path / "f" / "import-000001"), [500])
    assert reader.sealed(tmp_path / "f" / "import-000001").chain == before.chain


def test_a_torn_tail_is_not_read(workspace: Workspace, tmp_path: Path) -> None:
    whole = (workspace.root / "archive" / "segments" / "f" / "other-000001.open").read_bytes()
    for cut in range(len(whole) - 40, len(whole)):
        (tmp_path / "other-000001.open").write_bytes(whole[:cut])
        assert reader.opened(tmp_path / "other-000001").records == []
