"""What we compile without the other dialects is what Ibis compiles with them, and Ibis is whole afterwards."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from spamtide.archive.compiling import compile_expression
from spamtide.measure import counts_by_bin, group_rows, message_rows, parse_measure, parse_query, Window
window = Window(0, 10)
expressions = [
    counts_by_bin(parse_measure(m), bin_us=7, anchor=3, feeds=["a'b"], origins=["bounce"], window=window)
    for m in ("volume@session", "subject:a,b", "messages:text:x NOT peer:1.2.*", "peers", "volume@byte")
] + [group_rows("exact", feeds=["f"], origins=(), window=window), message_rows(parse_query("defect:*"), feeds=[], limit=3)]
alone = [compile_expression(e) for e in expressions]
print("ibis.backends.sql.compilers.snowflake" in sys.modules)
import ibis
whole = ibis.duckdb.connect()
print(alone == [whole.compile(e) for e in expressions])
print(hasattr(ibis.backends.sql.compilers, "PySparkCompiler"))
"""


def test_the_statement_is_ibis_own_and_other_dialects_are_not_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True", "True"], done.stderr
