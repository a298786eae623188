"""message: what it says. Owns text as seen, folding, masking, networks, origin, and the Public values."""

__all__: list[str] = []
