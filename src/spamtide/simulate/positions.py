"""On which line of a TOML file a key stands. The file has been parsed by ``tomllib``; here only places are looked up."""

from __future__ import annotations

import re

_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")


class _Finder:
    """Walks a valid document once and notes the line of each key: ``groups[0].stop.at``."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.lines: dict[str, int] = {}
        self.arrays: dict[str, int] = {}

    def walk(self) -> dict[str, int]:
        """The line of each key."""
        table = ""
        while self._blank(newlines=True):
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
        return self.lines

    def _step(self, n: int = 1) -> None:
        self.line += self.text.count("\n", self.at, self.at + n)
        self.at += n

    def _blank(self, *, newlines: bool) -> bool:
        """Past blanks, comments and perhaps line ends; whether anything is left."""
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == "#":
                end = self.text.find("\n", self.at)
                self._step((end if end >= 0 else len(self.text)) - self.at)
            elif c in " \t\r" or (c == "\n" and newlines):
                self._step()
            else:
                return True
        return False

    def _dotted(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._blank(newlines=False)
            found = _KEY.match(self.text, self.at)
            if found is None:
                return parts
            parts.append(found[0].strip("\"'"))
            self._step(len(found[0]))
            self._blank(newlines=False)
            if not self.text.startswith(".", self.at):
                return parts
            self._step()

    def _note(self, key: str) -> None:
        self.lines.setdefault(key, self.line)

    def _header(self, brackets: int) -> str:
        line = self.line
        self._step(brackets)
        parts = self._dotted()
        self._step(brackets)
        path = ""
        for i, part in enumerate(parts):
            path = f"{path}.{part}" if path else part
            if i == len(parts) - 1 and brackets == 2:
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = f"{path}[{self.arrays[path]}]"
            self.lines.setdefault(path, line)
        return path

    def _pair(self, table: str) -> None:
        line, path = self.line, table
        for part in self._dotted():
            path = f"{path}.{part}" if path else part
            self.lines.setdefault(path, line)
        self._step()
        self._value(path)

    def _value(self, path: str) -> None:
        self._blank(newlines=True)
        self._note(path)
        c = self.text[self.at]
        if c == "[":
            self._step()
            number = 0
            while self._blank(newlines=True) and self.text[self.at] != "]":
                if self.text[self.at] == ",":
                    self._step()
                    number += 1
                else:
                    self._value(f"{path}[{number}]")
            self._step()
        elif c == "{":
            self._step()
            while self._blank(newlines=True) and self.text[self.at] != "}":
                if self.text[self.at] == ",":
                    self._step()
                else:
                    self._pair(path)
            self._step()
        elif c in "\"'":
            self._string(c)
        else:
            found = re.compile(r"[^,\]}#\n]+").match(self.text, self.at)
            self._step(len(found[0]) if found else 1)

    def _string(self, quote: str) -> None:
        long = self.text.startswith(quote * 3, self.at)
        mark = quote * 3 if long else quote
        self._step(len(mark))
        while not self.text.startswith(mark, self.at):
            self._step(2 if quote == '"' and self.text[self.at] == "\\" else 1)
        self._step(len(mark))
        # Up to two quotes more may end a long string.
        while long and self.text.startswith(quote, self.at):
            self._step()


def line_of(text: str, key: str) -> int:
    """Line of a key such as ``groups[0].stop.at``; of what holds it where it is not written out; 1 for the whole file."""
    try:
        lines = _Finder(text).walk()
    except IndexError:
        return 1
    while key:
        if key in lines:
            return lines[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return 1
