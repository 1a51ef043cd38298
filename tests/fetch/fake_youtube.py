"""YouTube on this machine: a proxy that answers for it, so that yt-dlp's own extractor is what reads the answers.

A client asks the proxy to CONNECT to www.youtube.com and gets a TLS connection with a self-signed certificate, behind
which the watch page and the player's API say of every video what its id is listed with. A format's url leads back here.
"""

import datetime
import http.server
import json
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

POLL_S = 0.05


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate and its key into one file, and return it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.youtube.com")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "youtube.pem"
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path


class FakeYouTube:
    """Answers with a status (int), or with a player's response, for every video id it knows."""

    def __init__(self, pem: Path, videos: Mapping[str, int | dict[str, Any]]):
        self.videos = dict(videos)
        self.asked: list[str] = []  # `GET watch ID`, `POST player ID`
        self.headers: list[Mapping[str, str]] = []  # of the CONNECTs
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Return status, type and body."""
        what = urlsplit(path).path.rpartition("/")[2]
        if "/embed/" in path:
            what, video = "embed", what
        elif method == "POST":
            video = json.loads(body or b"{}").get("videoId", "")
        else:
            video = (parse_qs(urlsplit(path).query).get("v") or [""])[0]
        self.asked.append(f"{method} {what} {video}")
        if what == "videoplayback":
            return 200, "video/mp4", Path(parse_qs(urlsplit(path).query)["file"][0]).read_bytes()
        said = self.videos.get(video, 404)
        if isinstance(said, int):
            return said, "text/plain", b""
        response = {"videoDetails": {"videoId": video, "title": video, "lengthSeconds": "2"}, **said}
        if what == "player":
            return 200, "application/json", json.dumps(response).encode()
        if what == "watch":
            texts = {
                "ytInitialPlayerResponse": response,
                "ytInitialData": {"contents": {"twoColumnWatchNextResults": {}}},
            }
            scripts = [f"<script>var {name} = {json.dumps(value)};</script>" for name, value in texts.items()]
            return 200, "text/html", "".join(scripts).encode()
        if what == "embed":
            config = {"INNERTUBE_CONTEXT": {"client": {"clientName": "WEB_EMBEDDED_PLAYER", "clientVersion": "1"}}}
            return 200, "text/html", f"<script>ytcfg.set({json.dumps(config)});</script>".encode()
        return 404, "text/plain", b""

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        youtube = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_CONNECT(self) -> None:
                youtube.headers.append(dict(self.headers))
                self.send_response(200)
                self.end_headers()
                self.connection = youtube._context.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb", buffering=0)
                self.close_connection = False

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                status, kind, body = youtube._answer(self.command, self.path, self.rfile.read(length))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_words: object) -> None:
                pass

        return Handler


def refusal(status: str, reason: str, subreason: str = "") -> dict[str, Any]:
    """Return a player's response that gives no video."""
    renderer = {"reason": {"simpleText": reason}, **({"subreason": {"simpleText": subreason}} if subreason else {})}
    screen = {"errorScreen": {"playerErrorMessageRenderer": renderer}}
    return {"playabilityStatus": {"status": status, "reason": reason, **screen}}


def playable(*formats: dict[str, Any]) -> dict[str, Any]:
    """Return a player's response that gives a video in these formats."""
    return {"playabilityStatus": {"status": "OK"}, "streamingData": {"adaptiveFormats": list(formats)}}


def stream(itag: int, kind: str, file: Path, **said: Any) -> dict[str, Any]:
    """Return one format: its number, its type (`video/mp4; codecs="avc1.640028"`), and the file behind it."""
    url = f"https://rr1.googlevideo.com/videoplayback?file={quote(str(file))}"
    numbers = {"contentLength": str(file.stat().st_size), "bitrate": 1000, "approxDurationMs": "2000"}
    return {"itag": itag, "mimeType": kind, "url": url, **numbers, **said}
