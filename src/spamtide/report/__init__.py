"""report: how we say it. Turns values into sentences, tables, figures and pages; it never reads the archive."""

__all__: list[str] = []
