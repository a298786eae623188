"""The doctor: what a careful operator looks at before and while a trap runs, each in a file of its own.

Each check returns what it saw and the problems in it. Nothing is changed, nothing is resolved unless the operator says so; a
trap that runs is visited once on each port, as a session that says ``HELO doctor.spamtide.invalid``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spamtide.app.doctor.access import look_at_access
from spamtide.app.doctor.arrivals import look_at_arrivals
from spamtide.app.doctor.clock import look_at_clock
from spamtide.app.doctor.disk import look_at_disk
from spamtide.app.doctor.domains import look_at_domains
from spamtide.app.doctor.ports import look_at_ports
from spamtide.app.health import HealthProblem, find_problems

if TYPE_CHECKING:
    from spamtide.app.workspace import Workspace


def examine(
    workspace: Workspace, *, listen: Sequence[str], dns: bool, now: int
) -> tuple[dict[str, Any], list[HealthProblem]]:
    """What was seen, by check, and everything there is to mend, most urgent first.

    ``listen``: places to listen at that no trap has tried yet. Raises what ``parse_address`` raises.
    """
    checks = {
        "ports": look_at_ports(workspace, listen),
        "feeds": look_at_arrivals(workspace, now),
        "domains": look_at_domains(workspace, dns=dns, now=now),
        "clock": look_at_clock(workspace),
        "disk": look_at_disk(workspace, now),
        "access": look_at_access(workspace),
    }
    problems = [p for _, found in checks.values() for p in found]
    return {name: seen for name, (seen, _) in checks.items()}, problems + find_problems(workspace)
