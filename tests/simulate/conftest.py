"""One rich world for the tests of truth: every form, language and kind of sender, with what the pipeline finds in it."""

from __future__ import annotations

import pytest

from made_world import Made, read_world


@pytest.fixture(scope="session")
def rich(spamtide, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("rich") / "world"
    assert spamtide("simulate", "all-kinds", "--out", folder, "--seed", "11", "--scale", "0.5").code == 0
    return read_world(folder)
