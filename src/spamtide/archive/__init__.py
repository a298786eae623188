"""archive: where it is kept. Segments, journal, tables, manifests; runs the expressions that measure builds."""

__all__: list[str] = []
