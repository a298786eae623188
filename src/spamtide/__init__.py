"""spamtide: a spam-trap observatory. What arrived, what belongs together, what changed, and how sure that is."""

__version__ = "0.1.0"
