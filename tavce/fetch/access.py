"""Cookies and proxy of the user, from outside the repository, and how they are kept out of every text.

Reads   TAVCE_COOKIES (a file in Netscape's format) and TAVCE_PROXY (a url, with user and password if need be)
The cookies are read into memory: yt-dlp writes changed ones back, and the user's file must stay as it is.
"""

import http.cookiejar
import io
import os
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from yt_dlp.cookies import YoutubeDLCookieJar

from tavce.records import InputError

COOKIES, PROXY = "TAVCE_COOKIES", "TAVCE_PROXY"
SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
SHORTEST_SECRET = 5  # characters: a cookie with the value 1 is none, and would take every 1 out of a log
REPOSITORY = Path(__file__).parents[2]
HIDDEN = "***"


@dataclass(frozen=True)
class Access:
    """What opens doors: cookies as text, a proxy's url, and all that must not be read anywhere."""

    cookies: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def from_environment() -> Access:
    """Return the user's cookies and proxy.

    Raises:
        InputError: the file of cookies is not there, is no such file, or lies where it may be published by mistake;
            or the proxy is no url of one. The message holds neither.
    """
    cookies = _read_cookies(os.environ[COOKIES]) if os.environ.get(COOKIES) else None
    proxy = os.environ.get(PROXY) or None
    if proxy is not None:
        _check_proxy(proxy)
    proxies = [proxy] if proxy else list(urllib.request.getproxies().values())
    secrets = {*_values(cookies), *(part for url in proxies for part in _credentials(url))}
    return Access(cookies, proxy, tuple(sorted(secrets, key=len, reverse=True)))


def _read_cookies(name: str) -> str:
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise InputError(f"{COOKIES}={name} is no file: name the file of cookies that a browser exported")
    if any(path.is_relative_to(place) for place in (REPOSITORY, Path.cwd().resolve())):
        raise InputError(
            f"{COOKIES}={name} lies in the working folder or the repository, where it may be published by mistake: "
            "move it elsewhere, with `chmod 600`"
        )
    try:
        text = path.read_text(encoding="utf-8")
        _jar(text)
    except (OSError, UnicodeDecodeError, http.cookiejar.LoadError) as error:
        raise InputError(
            f"{COOKIES}={name} is no file of cookies in Netscape's format ({type(error).__name__}): export it again"
        ) from None
    return text


def _jar(text: str) -> YoutubeDLCookieJar:
    jar = YoutubeDLCookieJar(io.StringIO(text))
    jar.load()
    return jar


def _values(cookies: str | None) -> Iterable[str]:
    values = [cookie.value for cookie in _jar(cookies)] if cookies else []
    return [value for value in values if value and len(value) >= SHORTEST_SECRET]


def _check_proxy(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme.lower() in SCHEMES and parts.hostname and (parts.port or True)
    except ValueError:
        known = False
    if not known:
        raise InputError(f"{PROXY} is no url of a proxy: write http://[user:password@]host:port, or socks5h://…")


def _credentials(url: str) -> list[str]:
    """Return the parts of a proxy's url that must not be read, as written and as a program may write them."""
    parts = urlsplit(url)
    if not (parts.username or parts.password):
        return []
    words = [parts.netloc.rpartition("@")[0], parts.password or "", unquote(parts.password or "")]
    words += [parts.username or "", unquote(parts.username or ""), quote(unquote(parts.password or ""), safe="")]
    return [word for word in words if len(word) >= SHORTEST_SECRET]
