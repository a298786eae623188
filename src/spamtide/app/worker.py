"""A digest worker: reads ranges of records from stdin as JSON lines, writes Parquet parts, answers on stdout.

Started by ``spamtide.app.pool`` as ``python -m spamtide.app.worker STAGE ADDRESS_SPACE_MIB``. The limit on address space
is set before anything else is imported, so that what a message makes the parser allocate is counted from the start.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from typing import Any

# Raw bytes digested by one kernel call: bounds the memory of a worker, changes no fact.
BATCH_RECORDS = 512


def _limit(address_space_mib: int) -> None:
    if address_space_mib > 0:
        size = address_space_mib * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(stage: str) -> None:
    """Answer tasks until stdin ends."""
    from spamtide.app.digestpart import digest_range

    # What hostile mail makes a library print must not reach the pipe of answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(document: dict[str, Any]) -> None:
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    answer({"ready": os.getpid()})
    for line in sys.stdin:
        task = json.loads(line)
        try:
            place, durable = task["provisional"] or stage, task["provisional"] is None
            result = digest_range(place, task["segment"], task["start"], task["stop"], BATCH_RECORDS, durable)
        except MemoryError:
            answer({"error": "out_of_memory"})
        except OSError as error:
            if error.errno in (None, errno.ENOMEM):
                # Reading asked for more memory than there may be: that is the message's doing.
                answer({"error": "out_of_memory"})
                continue
            answer({"failed": [error.errno, error.strerror or str(error), str(error.filename or "")]})
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"[:500]})
        else:
            answer(result)


def main() -> None:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Who asked is gone: nothing is left to say, and nobody to say it to.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    _limit(int(sys.argv[2]))
    serve(sys.argv[1])


if __name__ == "__main__":
    main()
