"""Access: who else can read what strangers' mail says, and what a trap could do that it need not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem
from spamtide.app.live import read_note, trap_note_path

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


def look_at_access(workspace: Workspace) -> tuple[dict[str, Any], list[HealthProblem]]:
    """Mode and owner of the workspace's folder, whether it can be written to, and which traps run as root."""
    root, archive = workspace.root, workspace.archive.root
    mode = os.stat(root).st_mode & 0o7777
    writable = all(os.access(place, os.W_OK | os.X_OK) for place in (archive, archive / "segments") if place.exists())
    notes = {feed: read_note(trap_note_path(archive, feed)) or {} for feed in workspace.archive.feeds()}
    as_root = [feed for feed, note in notes.items() if note.get("uid") == 0]
    seen = {"mode": f"{mode:04o}", "owner": os.stat(root).st_uid, "writable": writable, "traps_as_root": as_root}
    problems = []
    if mode & 0o007:
        text = f"Everybody on this machine can look into {root} (mode {mode:04o}): it holds other people's mail."
        problems.append(HealthProblem("world_readable", text, f"chmod o-rwx {root}"))
    if not writable:
        text = f"You may not write to {archive}."
        problems.append(HealthProblem("not_writable", text, "Run spamtide as its owner, or give yourself permission."))
    if as_root:
        text = f"The trap of {', '.join(as_root)} runs, or ran last, as root."
        problems.append(
            HealthProblem("trap_is_root", text, "It needs no right of root: docs/howto/run-as-a-service.md.")
        )
    return seen, problems
