"""A trap as one would write it with aiosmtpd: each message to a file of its own, made durable in a thread pool, then 250.

python bench/peers/aiosmtpd_fsync.py PORT FOLDER
"""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiosmtpd.smtp import SMTP

POOL = ThreadPoolExecutor(32)


def keep(path: str, content: bytes) -> None:
    """Write and fsync."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class Handler:
    """Stores what comes."""

    def __init__(self, folder: str) -> None:
        self.folder, self.n = folder, 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.n += 1
        path = os.path.join(self.folder, f"{self.n}.eml")
        await asyncio.get_running_loop().run_in_executor(POOL, keep, path, envelope.content)
        return "250 OK"


async def main() -> None:
    """Listen for ever."""
    port, folder = int(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    handler = Handler(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="mx.peer.example", data_size_limit=1 << 26, enable_SMTPUTF8=True),
        "127.0.0.1",
        port,
        backlog=1024,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
