"""app: how it is run. The only room that knows every other: command line, configuration, clock, workers."""

__all__: list[str] = []
