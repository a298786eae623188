"""What is seen of two messages besides words: in how many bits their pictures differ, what they are built like.

As in ``rust/src/pure/group/looks.rs``, for single pairs.
"""

from __future__ import annotations

# Bits of a picture's hash, and in how many two that look alike may differ.
BITS, ALIKE_BITS = 63, 12
# Names of forms by their low three bits (rust/src/pure/forms.rs).
FORMS = ("skeleton", "link shape", "header order", "structure")


def hashes_of(cell: bytes | None) -> frozenset[int]:
    """A list of the table ``sketch``: 64-bit integers in the bytes of a cell."""
    return frozenset(memoryview(cell or b"").cast("q"))


def agreement(bits: int) -> int:
    """The share of bits that do not differ, thousandths."""
    return (BITS - bits) * 1000 // BITS


def differing_bits(similarity: int) -> int:
    """In how many bits two pictures of this agreement (thousandths) differ."""
    return next(bits for bits in range(BITS + 1) if agreement(bits) <= similarity)


def least_differing(one: frozenset[int], other: frozenset[int], most: int = ALIKE_BITS) -> int | None:
    """In how many bits the two most alike differ, where half of the pictures of both have one like them on the other side."""
    nearest = [
        min((own ^ theirs).bit_count() for theirs in there)
        for here, there in ((one, other), (other, one))
        if there
        for own in here
    ]
    near = sum(bits <= most for bits in nearest)
    return min(nearest) if near and 2 * near >= len(one) + len(other) else None


def shared_forms(one: frozenset[int], other: frozenset[int]) -> list[str]:
    """Names of what two messages have in common in how they are built: ``skeleton`` (order of tags), ``link shape``, ..."""
    both = {form & 7 for form in one & other}
    return [name for kind, name in enumerate(FORMS) if kind in both]
