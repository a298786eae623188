"""capture: what arrived. Turns byte streams (mbox, Maildir, .eml, archives) into captures, raw bytes unchanged."""

__all__: list[str] = []
