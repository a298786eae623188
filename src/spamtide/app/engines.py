"""The embedded engine over one snapshot of a workspace's tables and the generations that count."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from spamtide.archive import Engine, EngineOptions, Generation, Generations, generation_views
from spamtide.campaign import GROUP_TABLES, SENDER_TABLES, group_schema, sender_schema
from spamtide.fingerprint import FACTS_VERSION, TABLES

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


def engine_options(workspace: Workspace) -> EngineOptions:
    """Bounds of the engine, as the settings say."""
    settings = workspace.settings.engine
    return EngineOptions(settings.threads, settings.memory_mib, settings.temp_dir)


def campaign_generations(workspace: Workspace) -> Generations:
    """The generations of campaigns of a workspace."""
    return Generations(workspace.archive.root, "campaign")


@contextlib.contextmanager
def open_engine(
    workspace: Workspace, generation: Generation | None = None, senders: Generation | None = None
) -> Iterator[Engine]:
    """An engine over the tables as they are now, with the tables of this generation, else of the one that counts.

    ``senders``: the generation of sender groups, where its tables are asked for. Else, where the workspace has a keeper of its
    engine, that one.
    """
    kept = workspace.engine_keeper
    if kept is not None and (senders is None or senders == Generations(workspace.archive.root, "group").current()):
        with kept.use(generation) as engine:
            yield engine
        return
    # The generation first: what came since is then a message without a campaign, and no campaign lacks its messages.
    held = generation if generation is not None else campaign_generations(workspace).current()
    with engine_of(workspace, held, senders) as engine:
        yield engine


def engine_of(workspace: Workspace, generation: Generation | None, senders: Generation | None = None) -> Engine:
    """An engine over the tables as they are now, with the tables of this generation; whoever asks closes it."""
    from spamtide.fingerprint import arrow_schema

    known = {name: group_schema(name) for name in GROUP_TABLES}
    if senders is not None:
        known |= {name: sender_schema(name) for name in SENDER_TABLES}
    views = generation_views([generation, senders], known)
    schemas = {name: arrow_schema(name) for name in TABLES}
    snapshot = workspace.tables.snapshot(FACTS_VERSION, None if generation is None else generation.basis)
    return Engine(snapshot, schemas, engine_options(workspace), views)
