"""A server that misbehaves: what it does is chosen path by path, and can be mended.

    with BadServer({"a.mp4": Good(video), "b.mp4": Status(429, times=1, then=Good(video))}) as server:
        ... server.url_of("a.mp4") ...
        server.mend(video, "b.mp4")
        assert server.count("b.mp4") == 2

Behaviours that give a part of a video honour `Range`, so that a client can go on where it stopped.
"""

import http.server
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import quote, unquote, urlsplit

POLL_S = 0.05
VIDEO = "video/mp4"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a closed connection is reset


@dataclass(frozen=True)
class Request:
    """One question: the how-manieth for its path, counted from 1, and from which byte on."""

    number: int
    start: int | None  # None: no Range was asked for
    handler: http.server.BaseHTTPRequestHandler

    def head(self, status: int, length: int, kind: str = VIDEO, headers: Mapping[str, str] | None = None) -> None:
        """Send status and headers."""
        self.handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def body(self, content: bytes, kind: str = VIDEO, until: int | None = None) -> None:
        """Promise the content, from the byte that was asked for on, and send it up to byte `until`."""
        start = self.start or 0
        if start >= len(content) > 0:
            self.head(416, 0)
            return
        said = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if self.start is not None else {}
        self.head(206 if said else 200, len(content) - start, kind, said)
        self.handler.wfile.write(content[start:until])
        if until is not None:
            self.handler.close_connection = True


class Behaviour(Protocol):
    """What is done with a request."""

    def answer(self, request: Request) -> None:
        """Answer it."""


@dataclass(frozen=True)
class Good:
    """Gives a file."""

    path: Path
    kind: str = VIDEO

    def answer(self, request: Request) -> None:
        """Send it."""
        request.body(self.path.read_bytes(), self.kind)


@dataclass(frozen=True)
class Status:
    """Answers with a status, the first `times` (None: always), and then behaves."""

    status: int
    times: int | None = None
    then: Behaviour | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, request: Request) -> None:
        """Refuse, or behave."""
        if self.times is not None and request.number > self.times and self.then:
            self.then.answer(request)
        else:
            request.head(self.status, 0, "text/plain", self.headers)


@dataclass(frozen=True)
class Truncated:
    """Promises a whole file and hangs up after `at` bytes of it, the first `times` (None: always)."""

    path: Path
    at: int
    times: int | None = 1
    reset: bool = False  # the connection, rather than to close it
    ranges: bool = True

    def answer(self, request: Request) -> None:
        """Send a part."""
        broken = self.times is None or request.number <= self.times
        if not self.ranges:
            request = Request(request.number, None, request.handler)
        request.body(self.path.read_bytes(), until=self.at if broken else None)
        if broken and self.reset:
            request.handler.wfile.flush()
            time.sleep(POLL_S)  # what was sent arrives before the reset
            request.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            request.handler.connection.close()


@dataclass(frozen=True)
class Trickle:
    """Gives a file piece by piece, with pauses."""

    path: Path
    piece_bytes: int
    pause_s: float

    def answer(self, request: Request) -> None:
        """Send it slowly."""
        content = self.path.read_bytes()
        request.body(content, until=(request.start or 0) + self.piece_bytes)
        for at in range((request.start or 0) + self.piece_bytes, len(content), self.piece_bytes):
            time.sleep(self.pause_s)
            request.handler.wfile.write(content[at : at + self.piece_bytes])


@dataclass(frozen=True)
class WrongLength:
    """Gives a file, and says it is `extra` bytes longer than it is, always."""

    path: Path
    extra: int

    def answer(self, request: Request) -> None:
        """Send less than was promised."""
        content = self.path.read_bytes()
        request.head(200, len(content) + self.extra)
        request.handler.wfile.write(content)
        request.handler.close_connection = True


@dataclass(frozen=True)
class Empty:
    """Gives a video of no bytes."""

    def answer(self, request: Request) -> None:
        """Send nothing."""
        request.head(200, 0)


@dataclass(frozen=True)
class Page:
    """Gives a web page, and says that it is a video, or that it is a page."""

    text: str = "<html><body>Sign in</body></html>" * 40
    kind: str = VIDEO

    def answer(self, request: Request) -> None:
        """Send it."""
        request.body(self.text.encode(), self.kind)


@dataclass(frozen=True)
class Loop:
    """Sends on to itself."""

    def answer(self, request: Request) -> None:
        """Send on."""
        request.head(302, 0, headers={"Location": request.handler.path})


@dataclass(frozen=True)
class Silent:
    """Says nothing for some time, the first `times` (None: always), and then behaves."""

    wait_s: float
    times: int | None = None
    then: Behaviour | None = None

    def answer(self, request: Request) -> None:
        """Wait."""
        if self.times is None or request.number <= self.times:
            time.sleep(self.wait_s)
            request.handler.close_connection = True
        else:
            self.then.answer(request)


class BadServer:
    """Serves on 127.0.0.1 for the length of a `with` block; what is on no path is a 404."""

    def __init__(self, routes: Mapping[str, Behaviour]):
        self.routes = dict(routes)
        self.asked: list[tuple[str, int | None]] = []  # path, and the first byte asked for
        self.headers: list[dict[str, str]] = []  # of every request
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url_of(self, name: str) -> str:
        """Return the url of a path."""
        return f"{self.url}/{quote(name)}"

    def count(self, name: str | None = None) -> int:
        """Return how often a path was asked for; all of them without."""
        return sum(1 for path, _ in self.asked if name in (None, path))

    def mend(self, video: Path, *names: str) -> None:
        """Give a video on these paths from now on; on all of them where none is named."""
        self.routes.update(dict.fromkeys(names or self.routes, Good(video)))

    def _request(self, handler: http.server.BaseHTTPRequestHandler) -> tuple[Behaviour, Request]:
        name = unquote(urlsplit(handler.path).path).removeprefix("/")
        found = re.match(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(found[1]) if found else None
        with self._lock:
            self.asked.append((name, start))
            self.headers.append(dict(handler.headers))
            return self.routes.get(name, Status(404)), Request(self.count(name), start, handler)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                behaviour, request = server._request(self)
                try:
                    behaviour.answer(request)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_words: object) -> None:
                pass

        return Handler
