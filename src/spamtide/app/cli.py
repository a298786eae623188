"""The command line: finds the command, runs it, and turns whatever happens into an exit code of docs/reference/cli.md."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence

import click

from spamtide.app.output import report_bug, report_error
from spamtide.errors import BrokenWorld, SpamtideError, WrongUse

# Name -> module of spamtide.app.commands that has it, and the line shown in help. Modules are imported only when used.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("workspace", "Make a workspace in a folder."),
    "status": ("workspace", "What the workspace holds, and whether anything needs attention."),
    "doctor": ("workspace", "What is missing or wrong, and how to mend it."),
    "import": ("importing", "Import mbox, Maildir, .eml, archives, or counts as CSV."),
    "trap": ("trapping", "Listen for SMTP and LMTP and keep what comes."),
    "probe-header": ("trapping", "A signed header for a message of your own to the trap."),
    "digest": ("digesting", "Read messages that are stored but not yet digested."),
    "search": ("searching", "Messages that match a query, or their counts by time."),
    "series": ("searching", "A measure by day, hour or week, with its exposure."),
    "duplicates": ("measuring", "Duplicate shares of a window, or two compared at equal n."),
    "campaigns": ("campaigns", "What belongs together: list, show, live, diff, explain, audit, templates, settle."),
    "group": ("grouping", "Group a file of messages or texts, without a workspace."),
    "effect": ("measuring", "What changed on a measure after an event, with an interval."),
    "changes": ("discovering", "What changed that nobody asked about, with a bounded share of false ones."),
    "event": ("events", "The registry of events: list, show, add, returns."),
    "claims": ("claiming", "What others published about an event, and whether it can all be true."),
    "corroborate": ("corroborating", "One event at several feeds: do they agree?"),
    "size": ("sizing", "How many hosts sent it: live at a time, at these traps."),
    "watch": ("watching", "Has it come back? Watches: add, list, status, run."),
    "feeds": ("workspace", "Feeds and their instrument cards: list, show."),
    "address": ("addresses", "Addresses of a trap and their lives: add, list, move, retire, disclose."),
    "dialects": ("senders", "Ways of speaking SMTP that were learned: list, show."),
    "botnets": ("senders", "Sender groups and their names: list, show, explain, members, name, rules."),
    "simulate": ("simulating", "Make a world with known truth from a scenario."),
    "serve": ("serving", "The dashboard: the workspace in a browser, with an API."),
    "report": ("reporting", "A report of an event: page, PDF, figures, tables, JSON; verify one."),
    "archive": ("archiving", "Verify the archive, or erase messages from it."),
    "completion": ("completing", "A script by which your shell completes commands, feeds, queries."),
}

# Commands of the contract that later issues bring: an error (exit 2) that says so.
NOT_BUILT = [
    "export",
    "why",
    "filter-test",
    "evidence",
]


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in NOT_BUILT and not ctx.resilient_parsing:
            raise WrongUse(
                "not_built_yet", f"'spamtide {cmd_name}' is not built yet.", "See 'spamtide --help' for what is."
            )
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = importlib.import_module(f"spamtide.app.commands.{entry[0]}")
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args and not ctx.resilient_parsing else ""
        if name and not name.startswith("-") and name not in COMMANDS and name not in NOT_BUILT:
            near = difflib.get_close_matches(name, [*COMMANDS, *NOT_BUILT], n=1)
            meant = f"Did you mean 'spamtide {near[0]}'? " if near else ""
            raise WrongUse("usage", f"There is no command {name!r}.", f"{meant}See 'spamtide --help'.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--workspace", metavar="DIR", help="The workspace (else SPAMTIDE_WORKSPACE, else the nearest spamtide.toml)."
)
@click.version_option(package_name="spamtide")
@click.pass_context
def cli(ctx: click.Context, workspace: str | None) -> None:
    """A spam-trap observatory: what arrived, what belongs together, what changed, and how sure that is.

    Start with 'spamtide init DIR', then 'spamtide import MAILBOX --feed NAME'.
    """
    ctx.obj = workspace


def _os_error(error: OSError) -> SpamtideError:
    thing = f" ({error.filename})" if error.filename else ""
    steps = {
        errno.ENOSPC: ("disk_full", "Free some space and run the command again; what was stored is kept."),
        errno.EROFS: ("read_only", "Mount the disk writable, or choose another folder."),
        errno.EACCES: ("no_permission", "Give yourself permission to write there, or choose another folder."),
        errno.EPERM: ("no_permission", "Give yourself permission to write there, or choose another folder."),
        errno.ENOENT: ("not_there", "Check the path."),
    }
    code, step = steps.get(error.errno or 0, ("io_failed", "Check the disk and run the command again."))
    return BrokenWorld(code, f"{error.strerror or error}{thing}.", step)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _no_command(error: click.UsageError) -> SpamtideError:
    assert error.ctx is not None and isinstance(error.ctx.command, click.Group)
    names = ", ".join(error.ctx.command.list_commands(error.ctx))
    place = error.ctx.command_path
    return WrongUse("usage", f"'{place}' needs a command: {names}.", f"See '{place} --help'.")


def run(argv: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    as_json = "--json" in argv or "--jsonl" in argv
    if "_SPAMTIDE_COMPLETE" in os.environ:
        importlib.import_module("spamtide.app.commands.completing")  # ours for bash takes the place of click's
    return guarded(lambda: cli.main(args=list(argv), prog_name="spamtide", standalone_mode=False), as_json=as_json)


def guarded(work: Callable[[], object], *, as_json: bool) -> int:
    """Run ``work`` and turn whatever happens into an exit code, with a sentence and the next step on stderr."""
    try:
        result = work()
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("spamtide: stopped; what was stored is kept. Run the same command again to go on.", file=sys.stderr)
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        return report_error(_no_command(error), as_json=as_json)
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx is not None else "spamtide"
        usage = WrongUse("usage", _ended(error.format_message()), f"See '{place} --help'.")
        return report_error(usage, as_json=as_json)
    except click.ClickException as error:
        return report_error(
            WrongUse("usage", _ended(error.format_message()), "See 'spamtide --help'."), as_json=as_json
        )
    except SpamtideError as error:
        return report_error(error, as_json=as_json)
    except (BrokenPipeError, SystemExit):
        # A reader that left is no error. Click turns a closed pipe into SystemExit, and nothing else here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return report_error(_os_error(error), as_json=as_json)
    except Exception as error:
        return report_bug(error, as_json=as_json)


def main() -> None:
    """Entry point of the ``spamtide`` program."""
    # One thread in BLAS: the same numbers on any machine, and no thrashing beside the workers.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run(sys.argv[1:]))
