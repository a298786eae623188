"""The walk from captures to a sentence, on a small simulated world with known truth."""

from pathlib import Path

import pytest

from spamtide.app.digesting import digest_workspace
from spamtide.app.observatory import Observatory
from spamtide.app.simulating import make_world_folder
from spamtide.archive import verify_archive
from spamtide.report import effect_document
from spamtide.simulate import generate, load_scenario


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Observatory:
    out: Path = tmp_path_factory.mktemp("world")
    workspace = make_world_folder(out, generate(load_scenario("march-2011"), seed=7, scale=0.1))
    outcome = digest_workspace(workspace, now=0)
    assert outcome.quarantined == 0
    return Observatory(workspace)


def test_every_simulated_message_is_in_the_tables(world: Observatory) -> None:
    stored = sum(s.records for s in world.workspace.archive.segments())
    assert len(world.search("")) == stored


def test_the_takedown_is_found_on_the_two_words(world: Observatory) -> None:
    effect = world.effect("subject:viagra,cialis", "trap", event="rustock-2011")
    assert effect.ratio is not None
    assert effect.ratio.low < 0.25 < effect.ratio.high
    assert effect.ratio.high < 0.6
    document = effect_document(effect)
    assert document["at"] == "2011-03-16T14:45:00Z"
    assert "fell by" in document["sentence"]


def test_an_outage_is_no_exposure_and_not_zero(world: Observatory) -> None:
    series = world.series("volume", ["trap"])
    day = 15_012 * 86_400_000_000  # 2011-02-07
    exposure = series.exposures[series.starts == day]
    assert exposure == pytest.approx([9 / 24])


def test_a_world_verifies_and_a_flipped_bit_is_found(world: Observatory) -> None:
    archive = world.workspace.archive
    assert verify_archive(archive).ok
    for path in [*archive.root.glob("segments/*/*"), *archive.root.glob("tables/*/*"), archive.root / "key"]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(bytes(data))
        found = verify_archive(archive)
        assert not found.ok, path
        data[len(data) // 2] ^= 4
        path.write_bytes(bytes(data))
    assert verify_archive(archive).ok


def test_the_same_seed_gives_the_same_content(tmp_path: Path) -> None:
    contents = set()
    for name in ("one", "two"):
        workspace = make_world_folder(tmp_path / name, generate(load_scenario("march-2011"), seed=3, scale=0.005))
        contents.add(verify_archive(workspace.archive).content)
    assert len(contents) == 1
