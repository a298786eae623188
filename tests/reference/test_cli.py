"""docs/reference/cli.md is the program's own help. Written anew by ``pytest tests/reference/test_cli.py --write-golden``."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from doc_tables import ROOT, section, tables
from spamtide.app.cli import NOT_BUILT, cli

DOCUMENT = ROOT / "docs" / "reference" / "cli.md"
HEAD = """\
# Commands

Made from the program's own help by `pytest tests/reference/test_cli.py --write-golden`; do not edit.

What holds for all of them:

- The workspace is `--workspace DIR`, else `SPAMTIDE_WORKSPACE`, else the nearest `spamtide.toml` upward.
- `--json` prints one document, `--jsonl` one object a line; progress and warnings go to stderr. [Schemas](schemas/README.md).
- Instants are RFC 3339 with a zone, `2011-03-16T14:45:00Z`; a bare date is midnight UTC. Windows are `START/END`, the end excluded.
- An option that takes several values is repeated, or given once with commas.
- Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 the world failed, 4 a bug, 130 Ctrl-C. [All codes](codes.md).
- [QUERY and MEASURE](query.md).
"""


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """A command and all below it, each with its context."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(
                found,
                click.Context(
                    found, parent=context, info_name=name, terminal_width=100, help_option_names=["-h", "--help"]
                ),
            )


def rendered() -> str:
    """The document as the program would write it."""
    parts = [HEAD]
    for context in commands(
        cli, click.Context(cli, info_name="spamtide", terminal_width=100, help_option_names=["-h", "--help"])
    ):
        help_text = "\n".join(line.rstrip() for line in context.command.get_help(context).splitlines())
        parts.append(f"\n## {context.command_path}\n\n```text\n{help_text}\n```\n")
    parts.append(
        "\n## Not built yet\n\nThese end with exit code 2 and say so: "
        + ", ".join(f"`{n}`" for n in sorted(NOT_BUILT))
        + ".\n"
    )
    return "".join(parts)


def test_the_document_is_the_programs_help(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--write-golden"):
        DOCUMENT.write_text(rendered(), "utf-8")
    assert DOCUMENT.read_text("utf-8") == rendered(), "run pytest tests/reference/test_cli.py --write-golden"


def test_every_command_says_what_it_does() -> None:
    for context in commands(cli, click.Context(cli, info_name="spamtide")):
        assert context.command.help, context.command_path
        for option in context.command.params:
            if isinstance(option, click.Option) and option.name not in (
                "measure",
                "by",
                "rule",
                "lookback",
                "diagnostics",
            ):
                assert option.help, f"{context.command_path} {option.opts}"


def test_exit_codes_of_the_error_tree_are_listed() -> None:
    from spamtide.errors import BrokenWorld, SpamtideError, Unanswerable, WrongUse

    listed = {int(row[0]) for row in tables(section(ROOT / "docs" / "reference" / "codes.md", "Exit codes"))[0]}
    assert listed == {0, 130} | {e.exit_code for e in (SpamtideError, WrongUse, Unanswerable, BrokenWorld)}
