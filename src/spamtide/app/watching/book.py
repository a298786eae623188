"""The watches that a workspace keeps, their alarms, and what people decided about them: all in the journal, none of it computable again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.app.instants import format_instant
from spamtide.errors import WrongUse
from spamtide.measure import Window
from spamtide.watch import Alarm, Evidence, Signature

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

WATCH, ALARM, TOLD, DECIDED = "watch", "watch_alarm", "watch_told", "watch_decided"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch as it was asked for. ``key`` changes when anything that its steps depend on does.

    ``expressions``: subject and text of a template, fixed when the watch was made. ``recall``: the signature's, lower and upper bound.
    """

    name: str
    measure: str
    feeds: tuple[str, ...]
    silent_since: int | None
    active: Window | None
    background: Window | None
    recall: tuple[float, float] | None
    checked_at: int | None
    expressions: tuple[str, str] | None
    added_at: int
    key: str

    @property
    def signature(self) -> Signature:
        """What is looked for."""
        return Signature(self.measure, self.recall, self.checked_at)

    def document(self) -> dict[str, Any]:
        """One line of ``watch list``."""
        return {
            "name": self.name, "measure": self.measure, "feeds": list(self.feeds),
            "silent_since": None if self.silent_since is None else format_instant(self.silent_since),
            "active": _shown(self.active), "background": _shown(self.background),
            "recall": None if self.recall is None else list(self.recall),
            "checked_at": None if self.checked_at is None else format_instant(self.checked_at),
            "added_at": format_instant(self.added_at),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm as the journal has it. ``decided``: confirmed, dismissed or None; ``up_to``: how far the watch had stepped then."""

    id: str
    watch: str
    key: str
    alarm: Alarm
    evidence: Evidence | None
    told: frozenset[str]
    decided: str | None
    up_to: int | None


def _shown(window: Window | None) -> dict[str, str] | None:
    return None if window is None else {"start": format_instant(window.start), "end": format_instant(window.end)}


def _window(pair: list[int] | None) -> Window | None:
    return None if pair is None else Window(*pair)


def _pair(window: Window | None) -> list[int] | None:
    return None if window is None else [window.start, window.end]


def _key(body: Mapping[str, Any]) -> str:
    stepped = {k: body[k] for k in ("measure", "feeds", "silent_since", "active", "background", "expressions")}
    return hashlib.sha256(json.dumps(stepped, sort_keys=True).encode()).hexdigest()[:16]


def alarm_id(watch: Watch, alarm: Alarm) -> str:
    """The id of an alarm: the same whenever the same hours are stepped again."""
    return hashlib.sha256(f"{watch.name} {watch.key} {alarm.at}".encode()).hexdigest()[:16]


class WatchBook:
    """Watches and alarms of one workspace, read from its journal each time they are asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._journal = workspace.archive.journal

    def watches(self) -> list[Watch]:
        """What is watched now, by name."""
        held: dict[str, Watch] = {}
        for record in self._journal.read(WATCH):
            body = record.body
            held.pop(body["name"], None)
            if body["measure"] is not None:
                held[body["name"]] = Watch(
                    body["name"], body["measure"], tuple(body["feeds"]), body["silent_since"], _window(body["active"]),
                    _window(body["background"]), None if body["recall"] is None else (body["recall"][0], body["recall"][1]),
                    body["checked_at"], None if body["expressions"] is None else (body["expressions"][0], body["expressions"][1]),
                    record.at, _key(body),
                )  # fmt: skip
        return [held[name] for name in sorted(held)]

    def watch(self, name: str) -> Watch:
        """The watch of that name. Raises WrongUse ``unknown_watch``."""
        known = {w.name: w for w in self.watches()}
        if name not in known:
            there = ", ".join(known) or "none yet; 'spamtide watch add NAME --measure M --feed F' makes one"
            raise WrongUse("unknown_watch", f"There is no watch {name!r}.", f"Watches: {there}.", name=name)
        return known[name]

    def add(
        self, name: str, measure: str, feeds: list[str], *, now: int, silent_since: int | None = None, active: Window | None = None,
        background: Window | None = None, recall: tuple[float, float] | None = None, checked_at: int | None = None,
        expressions: tuple[str, str] | None = None,
    ) -> Watch:  # fmt: skip
        """Keep a watch, in place of one of that name. Raises WrongUse ``bad_watch_name``."""
        if not _NAME.fullmatch(name):
            raise WrongUse(
                "bad_watch_name", f"{name!r} cannot be the name of a watch.",
                "Use small letters, digits and dashes, at most 48, starting with a letter or digit.", name=name,
            )  # fmt: skip
        body = {
            "name": name, "measure": measure, "feeds": feeds, "silent_since": silent_since, "active": _pair(active),
            "background": _pair(background), "recall": None if recall is None else list(recall), "checked_at": checked_at,
            "expressions": None if expressions is None else list(expressions),
        }  # fmt: skip
        self._journal.append(WATCH, body, now)
        return self.watch(name)

    def checked(self, name: str, at: int, *, now: int) -> Watch:
        """Note that a person looked whether the signature still fits. Its steps go on. Raises WrongUse ``unknown_watch``."""
        w = self.watch(name)
        return self.add(
            name, w.measure, list(w.feeds), now=now, silent_since=w.silent_since, active=w.active, background=w.background,
            recall=w.recall, checked_at=at, expressions=w.expressions,
        )  # fmt: skip

    def remove(self, name: str, *, now: int) -> None:
        """Watch it no longer; its alarms stay. Raises WrongUse ``unknown_watch``."""
        self.watch(name)
        self._journal.append(WATCH, {"name": name, "measure": None}, now)

    def alarms(self) -> list[RaisedAlarm]:
        """Every alarm that was ever raised, in order."""
        told: dict[str, set[str]] = {}
        decided: dict[str, dict[str, Any]] = {}
        raised: dict[str, dict[str, Any]] = {}
        for record in self._journal.read(ALARM, TOLD, DECIDED):
            body = record.body
            if record.kind == ALARM:
                raised.setdefault(body["id"], body)
            elif record.kind == TOLD:
                told.setdefault(body["id"], set()).add(body["by"])
            else:
                decided[body["id"]] = body
        found = []
        for ident, body in raised.items():
            evidence = None if body["evidence"] is None else Evidence(**body["evidence"])
            said = decided.get(ident, {"as": None, "up_to": None})
            alarm = Alarm(**body["alarm"])
            told_by = frozenset(told.get(ident, ()))
            found.append(
                RaisedAlarm(ident, body["watch"], body["key"], alarm, evidence, told_by, said["as"], said["up_to"])
            )
        return found

    def raise_alarm(self, watch: Watch, alarm: Alarm, evidence: Evidence | None, *, now: int) -> bool:
        """Write an alarm down once; whether it was new."""
        ident = alarm_id(watch, alarm)
        if any(a.id == ident for a in self.alarms()):
            return False
        from dataclasses import asdict

        body = {
            "id": ident, "watch": watch.name, "key": watch.key, "alarm": asdict(alarm),
            "evidence": None if evidence is None else asdict(evidence),
        }  # fmt: skip
        self._journal.append(ALARM, body, now)
        return True

    def told(self, ident: str, by: str, *, now: int) -> None:
        """Note that an alarm was delivered."""
        self._journal.append(TOLD, {"id": ident, "by": by}, now)

    def decide(self, name: str, verdict: str, *, by: str, evidence: str, up_to: int, now: int) -> RaisedAlarm:
        """Confirm or dismiss the last alarm of a watch that is undecided. Raises WrongUse ``no_alarm``, ``unknown_watch``."""
        watch = self.watch(name)
        open_ones = [a for a in self.alarms() if a.watch == name and a.key == watch.key and a.decided != "dismissed"]
        if not open_ones:
            raise WrongUse(
                "no_alarm", f"The watch {name!r} has no alarm to decide on.", "'spamtide watch status' shows them."
            )
        body = {"id": open_ones[-1].id, "as": verdict, "by": by, "evidence": evidence, "up_to": up_to}
        self._journal.append(DECIDED, body, now)
        return open_ones[-1]
