"""Domains of the decoys: until when they are ours, and, when the operator asks, where DNS leads their mail.

A domain that is given up stays registered, with a null MX (RFC 7505): else a stranger takes it, and with it mail that was meant for us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from spamtide.app.health import HealthProblem
from spamtide.app.lives import read_lives
from spamtide.measure import DAY_US

if TYPE_CHECKING:
    from dns.resolver import Resolver

    from spamtide.app.workspace import Workspace

_PATIENCE = 5.0
_MOST_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What DNS says of one domain: ``state`` is ``found``, ``no_such_domain`` or ``silent``; hosts by preference with their addresses.

    Where there is no MX the domain's own address takes its place, with no preference (RFC 5321 5.1).
    """

    state: str
    hosts: tuple[tuple[int | None, str, tuple[str, ...]], ...] = ()
    why: str = ""

    @property
    def null_mx(self) -> bool:
        """Whether it says that nobody there takes mail."""
        return [name for _, name, _ in self.hosts] == ["."]


def look_at_domains(workspace: Workspace, *, dns: bool, now: int) -> tuple[list[dict[str, Any]], list[HealthProblem]]:
    """One row a domain, ``mx`` None where DNS was not asked. Raises WrongUse ``bad_resolver``."""
    settings = workspace.settings
    today = date.fromordinal(date(1970, 1, 1).toordinal() + now // DAY_US)
    asked = dns or settings.doctor.dns
    resolver = make_resolver(settings.doctor.resolver) if asked else None
    seen: list[dict[str, Any]] = []
    problems: list[HealthProblem] = []
    for domain, live in decoy_domains(workspace).items():
        stated = settings.domains.get(domain)
        expires = stated.expires if stated else None
        problems += _expiry(domain, expires, today, settings.doctor.domain_days)
        row: dict[str, Any] = {
            "domain": domain,
            "live": live,
            "expires": expires.isoformat() if expires else None,
            "mx": None,
        }
        if resolver is not None:
            found = look_up(domain, resolver)
            row["mx"] = [{"preference": p, "host": host, "addresses": list(a)} for p, host, a in found.hosts]
            problem = judge(domain, live, found, settings.doctor.public)
            problems += [problem] if problem else []
        seen.append(row)
    return seen, problems


def decoy_domains(workspace: Workspace) -> dict[str, bool]:
    """Domains of every feed's addresses and of the settings, in order; whether an address in it still takes mail."""
    found = dict.fromkeys(workspace.settings.domains, False)
    stated = {r.body["feed"] for r in workspace.archive.journal.read("address")}
    for feed in sorted({*stated, *workspace.settings.feeds}):
        for life in read_lives(workspace, feed).values():
            domain = life.address.rpartition("@")[2]
            found[domain] = found.get(domain, False) or life.state != "retired"
    return dict(sorted(found.items()))


def _expiry(domain: str, expires: date | None, today: date, days: int) -> list[HealthProblem]:
    if expires is None:
        return []
    left = (expires - today).days
    if left < 0:
        text = f"{domain} expired on {expires}, by spamtide.toml."
        return [HealthProblem("domain_expired", text, "Renew it at once, or correct the date.")]
    if left <= days:
        text = f"{domain} expires in {left} days, on {expires}."
        return [HealthProblem("domain_expires", text, "Renew it, also when it is retired: a stranger would get its mail.")]  # fmt: skip
    return []


def make_resolver(place: str) -> Resolver:
    """A resolver that asks ``place`` (ADDRESS or ADDRESS:PORT), or those of this machine. Raises WrongUse ``bad_resolver``."""
    import ipaddress

    import dns.resolver

    from spamtide.errors import WrongUse

    host, colon, port = place.rpartition(":")
    if not colon or (":" in host.strip("[]") and not place.startswith("[")):
        host, port = place, "53"
    try:
        resolver = dns.resolver.Resolver(configure=not place)
        if place:
            resolver.nameservers = [str(ipaddress.ip_address(host.strip("[]")))]
            resolver.port = int(port)
    except (ValueError, dns.resolver.NoResolverConfiguration) as error:
        raise WrongUse(
            "bad_resolver", f"doctor.resolver {place!r} cannot be asked: {error}.", "Write ADDRESS or ADDRESS:PORT."
        ) from None
    resolver.lifetime = _PATIENCE
    return resolver


def look_up(domain: str, resolver: Resolver) -> Found:
    """Where mail for a domain goes. It asks for MX, and for A and AAAA of at most 20 hosts."""
    import dns.exception
    import dns.resolver

    try:
        answer = resolver.resolve(domain + ".", "MX", raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return Found("no_such_domain")
    except dns.exception.DNSException as error:
        return Found("silent", why=type(error).__name__)
    hosts = sorted((r.preference, r.exchange.to_text()) for r in answer.rrset or ())
    if not hosts:
        own = _addresses(domain + ".", resolver)
        return Found("found", ((None, domain + ".", own),) if own else ())
    return Found("found", tuple((p, h, () if h == "." else _addresses(h, resolver)) for p, h in hosts[:_MOST_HOSTS]))


def _addresses(host: str, resolver: Resolver) -> tuple[str, ...]:
    import dns.exception

    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [r.address for r in resolver.resolve(host, kind, raise_on_no_answer=False).rrset or ()]
        except dns.exception.DNSException:
            continue
    return tuple(sorted(found))


def judge(domain: str, live: bool, found: Found, public: Sequence[str]) -> HealthProblem | None:
    """What is wrong with where a domain's mail goes; ``public``: addresses by which the world reaches the trap."""
    if found.state == "silent":
        return HealthProblem(
            "dns_silent", f"No name server answers for {domain} ({found.why}).", "Try again; see its zone."
        )
    if found.state == "no_such_domain":
        return HealthProblem("no_such_domain", f"DNS does not know {domain}.", "Is it registered, and its zone served?")
    if not live:
        if found.null_mx:
            return None
        text = f"{domain} is retired, and its mail still goes somewhere."
        return HealthProblem("no_null_mx", text, 'Give it a null MX: "@ MX 0 ."')
    if found.null_mx:
        return HealthProblem(
            "null_mx", f"{domain} has a null MX: nobody sends mail there.", "Give it an MX, or retire it."
        )
    reached = {address for _, _, addresses in found.hosts for address in addresses}
    if not reached:
        text = f"The mail of {domain} goes nowhere: " + (
            "no MX has an address." if found.hosts else "no MX, no address."
        )
        return HealthProblem("mx_nowhere", text, "Correct its zone.")
    if public and not reached & set(public):
        text = f"The mail of {domain} goes to {', '.join(sorted(reached)[:4])}, not to an address of doctor.public."
        return HealthProblem("mx_elsewhere", text, "Correct its zone, or doctor.public.")
    return None
