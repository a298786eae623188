"""What large messages left behind is given back."""

from __future__ import annotations

import ctypes

import pytest

from spamtide.app import heap
from spamtide.app.heap import Heap


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library does not trim")
def test_memory_freed_between_what_is_in_use_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
    malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    held = [malloc(100_000) for _ in range(1_000)]
    for place in held:
        ctypes.memset(place, 1, 100_000)
    for i, place in enumerate(held):
        if i % 50:
            free(place)
    before = resident()
    kept = Heap()
    assert kept.look() is False
    monkeypatch.setattr(heap, "TRIM_SECONDS", 0.0)
    assert kept.look() is True
    assert before - resident() > 50_000_000
    for place in held[::50]:
        free(place)
