"""campaign: what belongs together. Owns exact groups; near-duplicates and sender groups come with a later issue."""

__all__: list[str] = []
