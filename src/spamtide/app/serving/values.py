"""What a page is: a plain document, from which its three twins come, and how it was computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spamtide.app.serving.asking import Asker
    from spamtide.app.serving.params import Params


@dataclass(frozen=True, slots=True)
class How:
    """How a page was computed: what its number means, by which method, and the command that gives the same.

    ``files``: the tables it was read from. Generation and facts version are put beside it by who serves the page.
    """

    definition: str
    method: str
    command: str
    query: str = ""
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageValue:
    """What a page found. ``facts`` are its own keys in the document, plain values only.

    ``sentence`` opens the page: what was found, in words. ``table`` names the key of ``facts`` that holds its main table, a list of
    objects; ``columns`` are those that the CSV has, in order. ``next`` is the key with which the list goes on.
    """

    title: str
    sentence: str
    facts: Mapping[str, Any]
    how: How
    table: str = ""
    columns: Sequence[str] = ()
    next: str | None = None
    warnings: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A parameter that a page takes in its URL beside the filters; ``choices``, where it has few values."""

    name: str
    meaning: str
    choices: Sequence[str] = ()
    example: str = ""


PageFunction = Callable[["Asker", "Params"], PageValue]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the dashboard.

    ``path``: as in a URL, ``/campaigns/{campaign}``; its twins are there with ``.json`` and ``.csv`` behind. ``nav``: its name in the
    navigation, where it has one. ``template``: a file of ``report/live/templates``. ``kept``: whether an answer holds until the tables change,
    and where the page ``ages``, being of the clock too, half a minute at most; no answer is kept of a page that leaves a trace when it is read.
    ``offers``: the filters that narrow it, which its bar has. ``why_not``: of those that do not, the reason in words; the page says it where such
    a filter stands in the URL, and its CSV, which cannot say anything, is refused then.
    """

    name: str
    path: str
    title: str
    find: PageFunction
    template: str
    nav: str = ""
    takes: Sequence[Taken] = ()
    kept: bool = True
    ages: bool = False
    meaning: str = ""
    filters: bool = True
    offers: Sequence[str] = ("feed", "origin", "country", "network", "window")
    why_not: Mapping[str, str] = field(default_factory=dict)

    @property
    def schema(self) -> str:
        """The schema of its document."""
        return f"spamtide.page-{self.name}/1"


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes that a page hands out as a file, such as a message."""

    name: str
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
