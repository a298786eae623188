"""event: what happened in the world. Turns reviewed TOML into events, claims and sources."""

__all__: list[str] = []
