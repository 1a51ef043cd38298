"""`python -m tests.bench.distant_server FILE`: a file, under any name, from a server that seems far away.

Every answer takes `ROUND_TRIP_S` before its first byte, and again before every further `WINDOW_BYTES`: a connection
whose window is full waits for the other side. Writes its port, and gives on `/waited` how many seconds it waited.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROUND_TRIP_S = 0.02
WINDOW_BYTES = 2**16


class Distant:
    """Answers requests, and counts the time that it makes them wait."""

    def __init__(self, content: bytes):
        self._content = content
        self._waited_s = 0.0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it hangs up."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                if head.startswith("GET /waited "):
                    writer.write(self._head(b"text/plain", body := f"{self._waited_s}".encode()) + body)
                else:
                    await self._video(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _video(self, writer: asyncio.StreamWriter) -> None:
        parts = [self._content[at : at + WINDOW_BYTES] for at in range(0, len(self._content), WINDOW_BYTES)]
        parts[0] = self._head(b"video/mp4", self._content) + parts[0]
        for part in parts:
            began = time.perf_counter()
            await asyncio.sleep(ROUND_TRIP_S)
            self._waited_s += time.perf_counter() - began
            writer.write(part)
            await writer.drain()

    def _head(self, kind: bytes, body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))


async def serve(answer: Callable) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Distant(Path(sys.argv[1]).read_bytes())))
