"""Settings: one struct for each room, put together here, read from ``spamtide.toml`` with errors that name the key."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path

import msgspec

from spamtide.errors import BrokenWorld, WrongUse

FILE_NAME = "spamtide.toml"


class People(msgspec.Struct, forbid_unknown_fields=True):
    """Who answers for this trap; stands in every report. Empty means not stated."""

    controller: str = ""
    contact: str = ""
    purpose: str = ""
    legal_ground: str = ""
    interest: str = ""


class DigestSettings(msgspec.Struct, forbid_unknown_fields=True):
    """Worker processes: how many (0: one a core), how many beside a trap, how nice these are to it, their address space,
    and how long one may sit on a task."""

    workers: int = 0
    follow_workers: int = 1
    follow_nice: int = 10
    address_space_mib: int = 3072
    task_seconds: float = 120.0


class EngineSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The embedded engine: threads (0: one a core), memory, and where it may spill."""

    threads: int = 0
    memory_mib: int = 384
    temp_dir: str = ""


class ImapSettings(msgspec.Struct, forbid_unknown_fields=True):
    """Mailbox servers: how long one may be silent, how many connections in a row may bring nothing, the first pause."""

    timeout_seconds: float = 60.0
    attempts: int = 6
    pause_seconds: float = 1.0


class TrapSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The trap: its name and persona, bounds of time and number. docs/reference/settings.md says what each means."""

    name: str = ""
    persona: str = "plain"
    starttls: bool = True
    certificate: str = ""
    private_key: str = ""
    handshake_seconds: float = 30.0
    trusted: list[str] = []
    proxy: list[str] = []
    proxy_seconds: float = 5.0
    families: list[str] = []
    connections: int = 10_000
    connections_per_address: int = 200
    command_seconds: float = 300.0
    data_seconds: float = 180.0
    message_seconds: float = 1800.0
    slow_seconds: float = 30.0
    bytes_per_second: float = 64.0
    drain_seconds: float = 30.0
    memory_mib: int = 512
    low_water_mib: int = 256
    segment_mib: int = 64
    segment_seconds: int = 3600
    counts_seconds: float = 60.0
    exposure_seconds: float = 300.0


class NetworkSettings(msgspec.Struct, forbid_unknown_fields=True):
    """The operator's table of networks: its file, the day it is of, and how many days from the mail that may be."""

    table: str = ""
    date: str = ""
    stale_days: int = 90


class CampaignSettings(msgspec.Struct, forbid_unknown_fields=True):
    """When a campaign is a giant: from so large a share of a feed, and so many messages there."""

    giant_share: float = 0.3
    giant_messages: int = 200


class DoctorSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What ``spamtide doctor`` asks and what it minds. It resolves names only where ``dns`` says so."""

    dns: bool = False
    resolver: str = ""
    public: list[str] = []
    domain_days: int = 60
    clock_seconds: float = 1.0
    disk_days: int = 14


class DomainSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What the operator states of a decoys' domain: until when it is registered."""

    expires: date | None = None


class TreatmentSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How the sessions of a treated panel are answered: one of ``arms`` each, drawn by the session's key."""

    arms: list[str] = []
    retry_seconds: float = 300.0
    greeting_seconds: float = 5.0


class WatchSettings(msgspec.Struct, forbid_unknown_fields=True):
    """How an alarm is told: POSTed to an address, given to a program (name and arguments, no shell), each at most so long."""

    webhook: str = ""
    command: list[str] = []
    timeout_seconds: float = 10.0


class RetentionSettings(msgspec.Struct, forbid_unknown_fields=True):
    """When bodies are dropped, 0: never. ``raw_days``: so long they are kept; ``keep_per_group_day``: so many of an exact group a day."""

    raw_days: int = 0
    keep_per_group_day: int = 0


class FeedSettings(msgspec.Struct, forbid_unknown_fields=True):
    """What the operator states of one feed. ``retention`` is of raw bytes; counts stay for ever. The trap accepts
    ``addresses`` only (``@domain`` for all of one), or any recipient where there are none."""

    retention: RetentionSettings = msgspec.field(default_factory=RetentionSettings)
    upstream_filter: str = ""
    mx_position: str = ""
    note: str = ""
    addresses: list[str] = []
    relay_bait: str = ""
    treatment: TreatmentSettings | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    schema: int = 1
    people: People = msgspec.field(default_factory=People)
    digest: DigestSettings = msgspec.field(default_factory=DigestSettings)
    engine: EngineSettings = msgspec.field(default_factory=EngineSettings)
    campaigns: CampaignSettings = msgspec.field(default_factory=CampaignSettings)
    networks: NetworkSettings = msgspec.field(default_factory=NetworkSettings)
    imap: ImapSettings = msgspec.field(default_factory=ImapSettings)
    trap: TrapSettings = msgspec.field(default_factory=TrapSettings)
    doctor: DoctorSettings = msgspec.field(default_factory=DoctorSettings)
    watch: WatchSettings = msgspec.field(default_factory=WatchSettings)
    domains: dict[str, DomainSettings] = msgspec.field(default_factory=dict)
    feeds: dict[str, FeedSettings] = msgspec.field(default_factory=dict)


def load_settings(path: Path) -> Settings:
    """Settings of one file. Raises WrongUse ``bad_settings`` naming the key, BrokenWorld when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenWorld(
            "settings_unreadable", f"{path} cannot be read: {error}.", "Check its permissions and that it is UTF-8."
        ) from None
    try:
        return msgspec.convert(tomllib.loads(text), Settings)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise WrongUse(
            "bad_settings", f"{path}: {error}.", "Correct that key; docs/reference/settings.md lists them."
        ) from None


def find_workspace(given: str | None, start: Path | None = None) -> Path:
    """The workspace's folder: ``--workspace``, ``SPAMTIDE_WORKSPACE``, or the nearest spamtide.toml upward.

    Raises WrongUse ``no_workspace``.
    """
    given = given or os.environ.get("SPAMTIDE_WORKSPACE") or None
    if given is not None:
        folder = Path(given)
        if (folder / FILE_NAME).is_file():
            return folder
        raise WrongUse(
            "no_workspace",
            f"{folder} is not a workspace (it has no {FILE_NAME}).",
            f"Make one: spamtide init {folder}",
            path=str(folder),
        )
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise WrongUse(
        "no_workspace",
        f"No {FILE_NAME} here or in any folder above.",
        "Make a workspace with 'spamtide init DIR', or name one with --workspace DIR.",
    )
