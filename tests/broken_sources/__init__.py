"""Sources broken in different ways, each with what must come of it; ``python bench/broken_sources.py`` prints the table."""

from broken_sources.boxes import boxes, singles
from broken_sources.folders_made import folders
from broken_sources.made import Broken
from broken_sources.others import others
from broken_sources.packed import packed
from broken_sources.running import Row, page, run_all
from broken_sources.sheets_made import sheets
from broken_sources.tars_made import tars
from broken_sources.zips_made import zips

__all__ = ["Broken", "Row", "every", "page", "run_all"]


def every() -> list[Broken]:
    """All of them, in order."""
    return [*boxes(), *singles(), *packed(), *zips(), *tars(), *folders(), *others(), *sheets()]
