"""Mistakes in a query or a measure: each names the place and the next step."""

from __future__ import annotations

from spamtide.errors import WrongUse


class BadQuery(WrongUse):
    """The query cannot be read; ``position`` (from 0) says where."""


class BadMeasure(WrongUse):
    """The measure cannot be read."""


class NotBuiltYet(WrongUse):
    """A field, measure or rule of the contract that a later issue brings."""
