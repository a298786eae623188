"""Names of feeds form file names, so few are allowed."""

from pathlib import Path

import pytest

from spamtide.archive import Archive, check_feed, parse_id
from spamtide.errors import WrongUse

HOSTILE = ["", "..", ".", "../x", "a/b", "a\\b", "-rf", "a b", "a\n", "a\0b", "é", "x" * 65, "a.", "con:", "journal"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_could_be_a_path_is_refused(name: str) -> None:
    with pytest.raises(WrongUse, match="cannot be the name"):
        check_feed(name)


@pytest.mark.parametrize(
    "text", ["", "a/b", "../../etc/import-1/0", "f/import-1/-1", "f/import-1/0/..", "f/IMPORT-1/0"]
)
def test_a_message_id_names_a_place_and_nothing_else(text: str) -> None:
    with pytest.raises(WrongUse):
        parse_id(text)


def test_no_feed_writes_into_the_journal(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", bytes(32))
    with pytest.raises(WrongUse, match="'journal'"):
        archive.writer("journal", "import")


def test_ordinary_names_are_taken() -> None:
    assert [check_feed(n) for n in ("trap", "Trap-2.eu", "a_b", "7")] == ["trap", "Trap-2.eu", "a_b", "7"]
