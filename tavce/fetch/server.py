"""Where videos come from: urls, and for the demo a folder of this machine, served for as long as a stage lives."""

import contextlib
import functools
import http.server
import logging
import sys
import threading
from collections.abc import Iterator

log = logging.getLogger(__name__)
SERVED = "served:"  # how the source of a video begins that this server gives
REMOTE = (SERVED, "http://", "https://")  # how the source of any video begins that is fetched
POLL_S = 0.05  # how long the server takes to stop


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:
        log.debug(format, *values)


class _PatientServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if isinstance(sys.exception(), ConnectionError):  # yt-dlp looks at the first bytes and hangs up
            log.debug("%s hung up", client_address)
        else:
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serve(folder: str) -> Iterator[str]:
    """Serve a folder on 127.0.0.1 for the length of the block; yield the server's base url."""
    handler = functools.partial(_QuietHandler, directory=folder)
    with _PatientServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
