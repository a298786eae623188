"""``search --explain``: for each term what stands in the message, what it folds to, which tricks were undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TRICKS = {
    "Buy V1@gra now": ("V1@gra", [("leet", "1", "i"), ("leet", "@", "a")]),
    "=?utf-8?Q?Vi=E2=80=8Bagr=D0=B0?= now": (
        "Vi\u200bagrа",
        [("encoded-word", "", "Vi\u200bagrа"), ("zero-width", "\u200b", ""), ("look-alike", "а", "a")],
    ),
    "v-i-a-g-r-a today": ("v-i-a-g-r-a", [("separator", "-", "")]),
    "Buy V*iagra!": ("V*iagra", [("separator", "*", "")]),
    "Viaagra": ("Viaagra", [("doubled", "", "viagra")]),
    "\u202eargaiv\u202c": ("argaiv", [("direction", "argaiv", "viagra")]),
    "ｖiagra": ("ｖiagra", [("letter-form", "ｖ", "v")]),
    "plain viagra": ("viagra", []),
}


@pytest.fixture(scope="module")
def workspace(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one message a trick, and one whose text has the word in HTML."""
    folder = tmp_path_factory.mktemp("explain")
    head = "From x Mon Mar  7 10:00:00 2011\nFrom: Pills <p@shop.example>\nSubject: "
    mails = [f"{head}{subject}\n\nbody {n}\n\n" for n, subject in enumerate(TRICKS)]
    html = "<p>cheap C&#73;ali$ \x1b[31m and <b>ciaLis</b></p>"
    mails.append(f"{head}none\nContent-Type: text/html; charset=utf-8\n\n{html}\n\n")
    (folder / "m.mbox").write_text("".join(mails), "utf-8")
    assert spamtide("init", folder / "w").code == 0
    assert spamtide("--workspace", folder / "w", "import", folder / "m.mbox", "--feed", "trap").code == 0
    return folder / "w"


def found(spamtide, workspace: Path, query: str) -> list[dict[str, Any]]:
    """Rows of a search with their explanations."""
    rows: list[dict[str, Any]] = spamtide("--workspace", workspace, "search", query, "--explain", "--json").json[
        "items"
    ]
    return rows


def test_every_trick_is_named_with_what_stands_there(spamtide, workspace: Path) -> None:
    rows = found(spamtide, workspace, "subject:viagra")
    assert len(rows) == len(TRICKS)
    for row, (shown, steps) in zip(rows, TRICKS.values(), strict=True):
        (one,) = row["explain"]
        assert (one["term"], one["field"], one["folded"]) == ("subject:viagra", "subject", "viagra")
        assert one["shown"] == shown
        assert [(s["trick"], s["from"], s["to"]) for s in one["tricks"]] == steps


def test_text_is_read_again_and_terms_that_did_not_match_are_left_out(spamtide, workspace: Path) -> None:
    (row,) = found(spamtide, workspace, "(text:cialis OR text:rolex) AND exact:text:CHEAP AND NOT subject:viagra")
    folded, literal = row["explain"]
    assert (folded["term"], folded["shown"], folded["matches"]) == ("text:cialis", "ciaLis", 2)
    assert (literal["term"], literal["shown"], literal["folded"]) == ("exact:text:CHEAP", "cheap", None)


def test_a_phrase_is_explained_as_a_whole_and_a_prefix_by_its_word(spamtide, workspace: Path) -> None:
    (row, *_) = found(spamtide, workspace, 'subject:"buy viagra"')
    assert row["explain"][0]["shown"] == "Buy V1@gra"
    (row, *_) = found(spamtide, workspace, "subject:viag*")
    assert row["explain"][0]["folded"] == "viagra"


def test_a_terminal_gets_no_hostile_character(spamtide, workspace: Path) -> None:
    ran = spamtide("--workspace", workspace, "search", "subject:viagra OR text:cialis", "--explain")
    assert ran.code == 0
    assert "    subject: «V1@gra» reads viagra: leet 1 → i; leet @ → a" in ran.out
    assert (
        "«Vi<U+200B>agrа» reads viagra: encoded word decoded; zero-width <U+200B> removed; look-alike а (U+0430) → a"
        in ran.out
    )
    assert not any(c in ran.out for c in "\x1b\u200b\u202e\u202c")
    plain = spamtide("--workspace", workspace, "search", "subject:viagra OR text:cialis")
    assert "reads" not in plain.out
