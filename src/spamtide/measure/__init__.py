"""measure: what changed, by how much. Builds unbound queries; turns integers into estimates with intervals."""

__all__: list[str] = []
