"""watch: has it come back? The room stands; its alarm comes with the issue that proves it."""

__all__: list[str] = []
