"""Lives of the addresses of a feed: from bouncing to retired, as the journal and ``spamtide.toml`` state them.

    bouncing ──(a year, by hand)──▶ conditioning ──(a person has looked)──▶ live
    ramp ──(90 days, by itself)──▶ live                   any ──▶ retired, disclosed

An address taken over from somebody bounces first, so that whoever still writes to its owner learns of it; then it is accepted
and kept out of measures until a person has looked at what comes. One that was planted counts after 90 days. Rule 1 of
docs/explanation/instrument.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spamtide.errors import WrongUse

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace

DAY = 86_400_000_000
RAMP_DAYS = 90
BOUNCING_DAYS = 365
STATES = ("bouncing", "conditioning", "ramp", "live", "retired", "disclosed")
FIRST_STATES = ("bouncing", "conditioning", "ramp", "live")
OVER = ("retired", "disclosed")
# Vantages whose addresses belonged to somebody: they bounce first.
_TAKEN_OVER = ("recycled-address", "expired-domain", "typo-domain")


@dataclass(frozen=True, slots=True)
class Life:
    """One address and where it stands. Instants are microseconds since 1970 UTC; None: not stated, or not yet."""

    address: str
    address_id: str
    state: str
    vantage: str
    since: int | None
    live_from: int | None
    live_to: int | None

    def state_at(self, now: int) -> str:
        """The state at an instant: a ramp is over when it is over, whoever looks."""
        over = self.state == "ramp" and self.live_from is not None and now >= self.live_from
        return "live" if over else self.state


def address_id(key: bytes, address: str) -> str:
    """What stands for an address wherever the address itself must not: a keyed hash, 16 hex digits."""
    return hmac.digest(key, b"address id\0" + address.encode(), hashlib.sha256).hex()[:16]


def normal_address(text: str) -> str:
    """An address as it is compared: lower case; ``@domain`` stands for all of one. Raises WrongUse ``bad_decoy``."""
    local, at, domain = text.strip().lower().rpartition("@")
    if not at or not domain or any(c.isspace() or not c.isprintable() for c in local + domain) or len(text) > 320:
        raise WrongUse(
            "bad_decoy", f"{text!r} is no address.", "Write anna@decoy.example, or @decoy.example for all of a domain."
        )
    return f"{local}@{domain}"


def _lived(record: Mapping[str, Any], before: Life | None) -> Life:
    """A life after one entry of the journal."""
    state, since = record["state"], record["since"]
    live_from = before.live_from if before is not None else None
    live_to = None
    if state == "ramp":
        live_from = since + RAMP_DAYS * DAY
    elif state == "live":
        live_from = since
    elif state in OVER:
        # Who never came to count has no end of counting.
        live_from = live_from if live_from is not None and live_from < since else None
        counted = live_from is not None or (before is not None and before.state == "live")
        live_to = since if counted else None
        if before is not None and before.state in OVER:
            live_from, live_to = before.live_from, before.live_to
    else:
        live_from = None
    return Life(record["address"], record["address_id"], state, record["vantage"], since, live_from, live_to)


def read_lives(workspace: Workspace, feed: str) -> dict[str, Life]:
    """Lives of a feed's addresses, by address, in order: those of ``spamtide.toml`` are live, the journal goes before them."""
    settings = workspace.settings.feeds.get(feed)
    lives: dict[str, Life] = {}
    key = workspace.archive.key
    for text in settings.addresses if settings else []:
        address = normal_address(text)
        lives[address] = Life(
            address, address_id(key, address), "live", stated_vantage(workspace, feed), None, None, None
        )
    for record in workspace.archive.journal.read("address"):
        if record.body["feed"] == feed:
            address = record.body["address"]
            lives[address] = _lived(record.body, lives.get(address))
    return dict(sorted(lives.items()))


def stated_vantage(workspace: Workspace, feed: str) -> str:
    """The vantage that the feed's card has; ``unknown`` where nobody said."""
    stated = [r.body["vantage"] for r in workspace.archive.journal.read("feed")
              if r.body.get("feed") == feed and r.body.get("vantage")]  # fmt: skip
    return stated[-1] if stated else "unknown"


def add_addresses(
    workspace: Workspace, feed: str, given: Sequence[str], *, state: str | None, vantage: str | None, since: int | None, now: int
) -> list[Life]:  # fmt: skip
    """Write new addresses into the journal; their lives. ``since``: when the state began, now by default.

    Without ``state`` an address of a vantage that belonged to somebody is bouncing, any other in its ramp. Raises WrongUse
    ``bad_decoy``, ``address_known``, ``bad_since``.
    """
    known = read_lives(workspace, feed)
    chosen = vantage or stated_vantage(workspace, feed)
    first = state or ("bouncing" if chosen in _TAKEN_OVER else "ramp")
    if since is not None and since > now:
        raise WrongUse("bad_since", "An address cannot have begun in the future.", "Give an instant that is past.")
    entries = []
    for address in dict.fromkeys(normal_address(text) for text in given):
        life = known.get(address)
        if life is not None and life.since is not None:
            raise WrongUse(
                "address_known",
                f"{address} is {life.state_at(now)} in {feed} already.",
                "See 'spamtide address list'; 'address move' takes it from one state to the next.",
                address_id=life.address_id,
            )
        entries.append(_entry(workspace, feed, address, first, chosen, now if since is None else since, ""))
    return _write(workspace, feed, entries, now)


def move_addresses(
    workspace: Workspace, feed: str, given: Sequence[str], state: str, *, note: str, now: int
) -> list[Life]:
    """Take addresses, named by themselves or by their ids, to another state; their lives.

    Raises WrongUse ``unknown_address``, ``bad_move_of_address``, ``still_bouncing``, ``nobody_looked``.
    """
    entries = []
    for life in _found(read_lives(workspace, feed), given, feed):
        before = life.state_at(now)
        _may_move(life, before, state, note, now)
        entries.append(_entry(workspace, feed, life.address, state, life.vantage, now, note))
    return _write(workspace, feed, entries, now)


def _may_move(life: Life, before: str, state: str, note: str, now: int) -> None:
    """Raises what ``move_addresses`` raises."""
    allowed = {
        "bouncing": ("conditioning", *OVER), "conditioning": ("live", *OVER), "ramp": OVER, "live": OVER, "disclosed": ("retired",),
        "retired": (),
    }  # fmt: skip
    if state not in allowed[before]:
        raise WrongUse(
            "bad_move_of_address",
            f"{life.address} is {before}; it cannot become {state}.",
            f"From there: {', '.join(allowed[before]) or 'nothing; a retired address stays so'}.",
            address_id=life.address_id,
            state=before,
        )
    bounced = (now - life.since) // DAY if life.since is not None else BOUNCING_DAYS
    if before == "bouncing" and state == "conditioning" and bounced < BOUNCING_DAYS:
        raise WrongUse(
            "still_bouncing",
            f"{life.address} has bounced for {bounced} days; it must for {BOUNCING_DAYS}.",
            "Whoever still writes to its former owner learns of it that way. Wait, or retire it.",
            address_id=life.address_id,
            days=bounced,
        )
    if before == "conditioning" and not note.strip():
        raise WrongUse(
            "nobody_looked",
            f"{life.address} is conditioning: it becomes live when a person has looked at what came.",
            "Say with --note who looked and what was there.",
            address_id=life.address_id,
        )


def _found(lives: Mapping[str, Life], given: Iterable[str], feed: str) -> list[Life]:
    by_id = {life.address_id: life for life in lives.values()}
    found: dict[str, Life] = {}
    for text in given:
        life = by_id.get(text) or (lives.get(normal_address(text)) if "@" in text else None)
        if life is None:
            raise WrongUse(
                "unknown_address", f"{feed} has no address {text!r}.", "'spamtide address list' shows those it has."
            )
        found[life.address] = life
    return list(found.values())


def _entry(
    workspace: Workspace, feed: str, address: str, state: str, vantage: str, since: int, note: str
) -> dict[str, Any]:
    place = {"feed": feed, "address": address, "address_id": address_id(workspace.archive.key, address)}
    return place | {"state": state, "vantage": vantage, "since": since, "note": note}


def _write(workspace: Workspace, feed: str, entries: Sequence[dict[str, Any]], now: int) -> list[Life]:
    workspace.archive.journal.append_all((("address", entry) for entry in entries), now)
    lives = read_lives(workspace, feed)
    return [lives[entry["address"]] for entry in entries]
