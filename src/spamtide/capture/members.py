"""Members of archives, and what is left out of one, whatever its kind. Nothing is ever written under a member's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from spamtide.capture.folders import server_file
from spamtide.capture.items import LeftOut, shown_name


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive, to be read before the next one is asked for."""

    name: str
    file: IO[bytes]
    time: int | None


class Left:
    """What is left out of one archive, counted by kind."""

    def __init__(self, archive: str) -> None:
        self._archive = archive
        self._found: dict[str, tuple[str, str, int]] = {}

    def left_out(self, name: str, words: str, code: str) -> None:
        """One more of a kind."""
        words, first, count = self._found.get(code, (words, name, 0))
        self._found[code] = words, first, count + 1

    def items(self) -> Iterator[LeftOut]:
        """A line for each kind."""
        for code, (words, first, count) in self._found.items():
            more = f"{first} and {count - 1} more" if count > 1 else first
            yield LeftOut(self._archive, f"{words}: {more}", code, count)

    def took(self, name: str) -> bool:
        """Whether a file of this name is left alone in a folder, and so here."""
        base = name.rstrip("/").rpartition("/")[2]
        if server_file(base):
            self.left_out(shown_name(name), "files of the mail server", "server_file")
        elif base.startswith("."):
            self.left_out(shown_name(name), "names that begin with a dot", "hidden")
        else:
            return False
        return True
