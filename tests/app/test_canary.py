"""A thousand secrets are planted in messages; nothing that is published holds one of them, in whatever encoding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pdf_text import pdf_texts
from planted_secrets import KINDS, leaks, mailbox, secrets, variants

SECRETS = secrets()


def published(folder: Path) -> dict[str, str]:
    """Every artefact of a report as texts; a PDF as each of its fonts would read it."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        found[path.name] = "\n".join(pdf_texts(data)) if path.suffix == ".pdf" else data.decode("utf-8")
    return found


def test_the_search_finds_what_is_there() -> None:
    word = SECRETS[17][1]
    for text in (f"x{word.upper()}y", " ".join(word), "".join(f"<b>{c}</b>" for c in word), *variants(word), f"..{list(variants(word))[6]}"):  # fmt: skip
        assert leaks(text, SECRETS), text
    assert leaks("nothing here, zq not even that", SECRETS) == []
    box = mailbox(SECRETS).decode()
    assert {w for k, w in SECRETS} <= {w for _, w in leaks(box, SECRETS)} and {k for k, _ in SECRETS} == set(KINDS)


@pytest.fixture(scope="module")
def workspace(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("canary")
    (folder / "box.mbox").write_bytes(mailbox(SECRETS))
    assert spamtide("init", folder / "w").code == 0
    done = spamtide(
        "--workspace", folder / "w", "import", folder / "box.mbox", "--feed", "f", "--time", "envelope", "--json"
    )
    assert done.code == 0 and done.json["new"] > 200, done.err
    return folder / "w"


@pytest.mark.parametrize("audience", ["press", "technical"])
def test_no_secret_leaves_in_a_report(spamtide, workspace: Path, tmp_path: Path, audience: str) -> None:
    done = spamtide(
        "--workspace", workspace, "report", "--event", "rustock-2011", "--feed", "f", "--audience", audience, "--out", tmp_path / "r"
    )  # fmt: skip
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "r" / "report.json").read_text("utf-8"))
    assert document["effects"][0]["counts"]["before"]["count"] > 150, "the words were found, so the messages were read"
    for name, text in {**published(tmp_path / "r"), "terminal": done.out + done.err}.items():
        assert leaks(text, SECRETS) == [], name
        assert "decoy.example" not in text, name


def test_what_is_shown_of_campaigns_and_templates_is_masked(spamtide, workspace: Path) -> None:
    listed = spamtide("--workspace", workspace, "campaigns", "--json").json
    assert listed["items"]
    templates = spamtide("--workspace", workspace, "campaigns", "templates", "--json")
    for row in listed["items"]:
        # Subjects as they came: on this machine only, as 'search' shows them. All else is fit to leave.
        row.pop("subjects")
    for name, text in (("campaigns", json.dumps(listed)), ("templates", templates.out)):
        assert leaks(text, SECRETS) == [], name
