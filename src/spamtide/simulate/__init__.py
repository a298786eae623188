"""simulate: a world with known truth. Turns a written scenario into captures and the truth about them."""

__all__: list[str] = []
