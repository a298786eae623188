"""One question about an effect, as a command line or a plan asks it, and who answers it: a workspace, or counts alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spamtide.app.instants import parse_instant, parse_span, parse_window
from spamtide.capture import CountOptions
from spamtide.errors import WrongUse
from spamtide.measure import DAY_US, Effect, Window

if TYPE_CHECKING:
    from spamtide.app.observatory import Observatory


@dataclass(frozen=True, slots=True)
class EffectQuestion:
    """What is asked. Windows as typed, ``56d`` or ``START/END``; ``series``: a CSV instead of a feed; ``controls`` None: all others."""

    event: str | None = None
    at: str | None = None
    measure: str = "volume"
    feed: str | None = None
    series: str | None = None
    target: str | None = None
    controls: tuple[str, ...] | None = None
    before: str | None = None
    after: str | None = None
    method: str = "latent-ar1"
    shape: str = "averaged"
    origins: tuple[str, ...] = ("unsolicited",)
    also_at: tuple[str, ...] = ()
    diagnostics: str = "standard"
    net: bool = False
    dates: str | None = None
    decimal: str | None = None
    per: str | None = None
    harmonics: int = 2
    placebos: tuple[str, ...] = ()
    doses: tuple[tuple[str, float], ...] = ()
    dose_by: str | None = None


def check_question(question: EffectQuestion) -> None:
    """Raises WrongUse ``usage`` for what does not go together."""
    of_series = question.target or question.controls is not None or question.dates or question.decimal or question.per
    if question.series is None and of_series:
        raise WrongUse(
            "usage",
            "--target, --controls, --per, --dates and --decimal belong to --series.",
            "Give --series FILE.csv, or leave them out.",
        )
    if question.series is not None and (question.placebos or question.dose_by):
        raise WrongUse(
            "usage",
            "--placebo and --dose-by belong to --feed.",
            "With --series name --controls, and --dose NAME=SHARE.",
        )
    if question.series is None and question.doses:
        raise WrongUse("usage", "--dose belongs to --series.", "With --feed give --dose-by topic, say.")
    if question.series is not None and question.feed:
        raise WrongUse("usage", "Counts come from --series or from --feed, not from both.", "Leave one out.")
    if question.series is None and not question.feed:
        raise WrongUse("usage", "An effect is of a feed.", "Give --feed F, or counts with --series FILE.csv.")
    if question.per is not None and question.method != "quasi-poisson":
        raise WrongUse("usage", "--per goes with --method quasi-poisson.", "Name that method, or leave --per out.")
    if question.shape != "averaged" and question.method != "latent-ar1":
        raise WrongUse("usage", f"The method {question.method} knows no shapes.", "Leave --shape or --method out.")


def answer_question(question: EffectQuestion, observatory: Callable[[], Observatory]) -> Effect:
    """The effect. ``observatory`` opens the workspace; it is not asked for counts alone.

    Raises as ``check_question``, ``effect_of_file`` and ``Observatory.effect`` do.
    """
    check_question(question)
    cut = parse_instant(question.at) if question.at else None
    cuts = [parse_instant(t) for t in question.also_at]
    if question.series is not None:
        from spamtide.app.given import effect_of_file

        return effect_of_file(
            Path(question.series), at=cut, event=question.event, target=question.target, controls=question.controls,
            before=window_of(question.before, cut, -1), after=window_of(question.after, cut, 1), also_at=cuts,
            diagnostics=question.diagnostics, options=CountOptions(question.dates, question.decimal),
            method=question.method, shape=question.shape, net=question.net, per=question.per, harmonics=question.harmonics,
            doses=dict(question.doses),
        )  # fmt: skip
    opened = observatory()
    assert question.feed is not None
    middle = cut if cut is not None or question.event is None else opened.event(question.event).cut().at
    return opened.effect(
        question.measure, question.feed, event=question.event, at=cut, before=window_of(question.before, middle, -1),
        after=window_of(question.after, middle, 1), also_at=cuts, diagnostics=question.diagnostics,
        origins=question.origins, method=question.method, shape=question.shape, net=question.net,
        placebos=question.placebos, dose_by=question.dose_by,
    )  # fmt: skip


def window_of(text: str | None, cut: int | None, side: int) -> Window | None:
    """A window as typed: two instants, or a length on one side of the cut; whole days before it. None where nothing was said."""
    if text is None:
        return None
    if "/" in text:
        return parse_window(text)
    if cut is None:
        return None
    length = parse_span(text)
    length -= length % DAY_US if side < 0 and length >= DAY_US else 0
    return Window(cut - length, cut) if side < 0 else Window(cut, cut + length)
