"""A workspace: a folder with ``spamtide.toml`` and ``archive/``. Opens what is in it, lazily."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from spamtide.app.config import FILE_NAME, People, Settings, load_settings
from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.networks import Networks
    from spamtide.archive import Archive, Engine, Generation, Tables


def now_us() -> int:
    """The clock of the program: microseconds since 1970 UTC."""
    return time.time_ns() // 1000


_HEADER = """\
# A spamtide workspace. docs/reference/settings.md explains each key; 'spamtide doctor' says what is missing.
schema = 1

# Who answers for this trap. These lines stand in every report.
[people]
"""


def _quoted(text: str) -> str:
    # TOML basic strings are JSON strings but for \u007f, which neither needs.
    return msgspec.json.encode(text).decode()


class EngineKeeper(Protocol):
    """Who holds an engine open over the newest snapshot, and lends it."""

    def use(self, generation: Generation | None) -> AbstractContextManager[Engine]:
        """The engine, with the tables of this generation, else of the one that counts, and of the sender groups that count."""
        ...


class Workspace:
    """An opened workspace. Raises what ``load_settings`` raises."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings: Settings = load_settings(root / FILE_NAME)
        # A process that answers for long keeps one engine open (app/serving); any other opens one a question.
        self.engine_keeper: EngineKeeper | None = None

    @staticmethod
    def create(root: Path, people: People) -> Workspace:
        """Make a workspace in ``root``, which may exist but must not be one already. Raises WrongUse ``workspace_exists``."""
        from spamtide.archive import Archive

        path = root / FILE_NAME
        if path.exists() or (root / "archive").exists():
            raise WrongUse("workspace_exists", f"{root} is a workspace already.", "Use it, or choose another folder.")
        # Other people's mail: nobody else on this machine looks into a folder that we make.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        Archive.create(root / "archive", secrets.token_bytes(32))
        text = _HEADER + "".join(f"{key} = {_quoted(value)}\n" for key, value in msgspec.structs.asdict(people).items())
        temporary = path.with_suffix(".toml.new")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
        return Workspace(root)

    @cached_property
    def archive(self) -> Archive:
        """The archive of this workspace."""
        from spamtide.archive import Archive

        return Archive.open(self.root / "archive")

    @cached_property
    def tables(self) -> Tables:
        """Its tables of facts."""
        from spamtide.archive import Tables

        return Tables(self.root / "archive")

    @cached_property
    def networks(self) -> Networks:
        """The operator's table of networks, if one is named. Raises what ``open_networks`` raises."""
        from spamtide.app.networks import open_networks

        return open_networks(self)

    def require_feeds(self, names: list[str]) -> list[str]:
        """The named feeds, or all when none is named. Raises WrongUse ``unknown_feed`` naming those that exist."""
        known = self.archive.feeds()
        for name in names:
            if name not in known:
                there = ", ".join(known) if known else "none yet; 'spamtide import PATH --feed NAME' makes one"
                raise WrongUse("unknown_feed", f"There is no feed {name!r} here.", f"Feeds: {there}.", feed=name)
        return names or known
