"""fingerprint: what it resembles. Opens the kernel's one digest call: raw records in, columns of facts out."""

__all__: list[str] = []
