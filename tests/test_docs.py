"""What the documents tell you to type runs, and every path they name is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from doc_tables import ROOT
from spamtide.simulate import generate, load_scenario

DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")))
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.S | re.M)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a mailbox, ~/mail/spam.mbox, of a made world, and a clone with the program installed."""
    folder: Path = tmp_path_factory.mktemp("home")
    generate(load_scenario("march-2011"), seed=3, scale=0.02).write_mbox(folder / "mail")
    (folder / "mail" / "trap.mbox").rename(folder / "mail" / "spam.mbox")
    binaries = folder / "clone" / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "spamtide").write_text(f'#!/bin/sh\nexec {sys.executable} -m spamtide "$@"\n')
    (binaries / "spamtide").chmod(0o755)
    return folder


def shell(script: str, home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in ``folder``, the program on the path."""
    path = f"{home / 'clone' / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT / "src")}
    environment.pop("SPAMTIDE_WORKSPACE", None)
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def test_the_commands_of_the_readme_run(home: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    asked = text.split("## Ask your own mail\n", 1)[1].split("\n## ", 1)[0]
    commands = [line.strip() for line in asked.splitlines() if re.match(r"    (cd|(\.\./)?\.venv/bin/spamtide) ", line)]
    assert any(" import ~/mail/" in c for c in commands) and any(" effect " in c for c in commands)
    done = shell("\n".join(f'{c}; echo "exit $?"' for c in commands), home, home / "clone")
    codes = re.findall(r"^exit (\d+)$", done.stdout, re.M)
    assert len(codes) == len(commands)
    # 1 is an answer: nothing found, or a refusal.
    assert [c for c, code in zip(commands, codes, strict=True) if code not in ("0", "1")] == [], done.stderr
    assert "Traceback" not in done.stderr
    assert any(word in done.stdout for word in ("fell by", "it would take", "no change"))


RUNNABLE = [d for d in DOCUMENTS if any("run" in info.split() for _, info, _ in FENCE.findall(d.read_text("utf-8")))]


@pytest.mark.parametrize("document", RUNNABLE, ids=[d.stem for d in RUNNABLE])
def test_the_shell_blocks_of_a_document_run_in_order(document: Path, home: Path, tmp_path: Path) -> None:
    for kind, info, script in FENCE.findall(document.read_text("utf-8")):
        if kind == "sh" and "run" in info.split():
            # A refusal or nothing found (1) ends no script; anything worse does.
            guard = 'set -eo pipefail; spamtide() { local n=0; command spamtide "$@" || n=$?; test $n -le 1 || return $n; }\n'
            done = shell(guard + script, home, tmp_path)
            assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


PYTHON = [
    (d, code, wanted)
    for d in DOCUMENTS
    for code, wanted in re.findall(r"^```python\n(.*?)^```\n+```output\n(.*?)^```$", d.read_text("utf-8"), re.S | re.M)
]


@pytest.mark.parametrize(("document", "code", "wanted"), PYTHON, ids=[d.stem for d, _, _ in PYTHON])
def test_python_examples_print_what_stands_below_them(document: Path, code: str, wanted: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == wanted, done.stderr


# Those of other programs are run by tests/app/test_trap_proxy.py with the programs.
KINDS = (
    "sh",
    "python",
    "output",
    "text",
    "toml",
    "json",
    "mermaid",
    "exim",
    "haproxy",
    "nginx",
    "postfix",
    "postfix-master",
)


def test_there_are_examples_to_run() -> None:
    assert {d.stem for d in RUNNABLE} >= {"import", "counts", "effect", "event"}
    assert PYTHON
    for document in DOCUMENTS:
        for kind, info, _ in FENCE.findall(document.read_text("utf-8")):
            assert kind in KINDS, f"{document.name}: {kind} {info}"


def test_every_path_in_the_documents_exists() -> None:
    """A path in backticks that names a file of the project is there."""

    tops = "docs|src|tests|rust|bench|changelog.d|\\.ci"
    missing = []
    for document in DOCUMENTS:
        for path in re.findall(rf"`((?:{tops})/[^`\s*]+)`", document.read_text("utf-8")):
            if not (ROOT / path.split("::")[0]).exists():
                missing.append(f"{document.name}: {path}")
        for path in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text("utf-8")):
            if not (document.parent / path).exists():
                missing.append(f"{document.name}: link {path}")
    assert missing == []
