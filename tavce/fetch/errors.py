"""Why a video could not be fetched: yt-dlp's exceptions and messages, told apart.

What counts, in this order: a full disk; what yt-dlp says by an exception's type; the first pattern that its message
holds; the status of the server's answer; a broken connection; the patterns again, in the warnings before the message
(YouTube's extractor turns a refused request into a warning, and its last words name no cause). The rest is
`download_failed`.
"""

import errno
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from yt_dlp.networking.exceptions import CertificateVerifyError, HTTPError, TransportError
from yt_dlp.utils import ContentTooShortError, GeoRestrictedError, YoutubeDLError

from tavce.records import ClipError, Reason

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no space, no quota, or larger than the disk's files may be
LONGEST_RETRY_AFTER_S = 6 * 3600.0
LONGEST_DETAIL = 400  # characters


class Cause(NamedTuple):
    """A phrase of a message, what it means, and who says it."""

    pattern: str
    reason: Reason
    origin: str


YOUTUBE = "YouTube's playabilityStatus"
EXTRACTOR = "yt_dlp/extractor/youtube/_video.py"
COMMON = "yt_dlp/extractor/common.py"
CORE = "yt_dlp/YoutubeDL.py"
CAUSES = (  # the first that fits counts; ’ and ' are the same
    Cause(r"confirm you're not a bot", Reason.RATE_LIMITED, YOUTUBE),
    Cause(r"content isn't available, try again later", Reason.RATE_LIMITED, f"{YOUTUBE}; yt-dlp#11426"),
    Cause(r"captcha challenge before playback", Reason.RATE_LIMITED, EXTRACTOR),
    Cause(r"Your IP is likely being blocked", Reason.RATE_LIMITED, EXTRACTOR),
    Cause(r"HTTP Error 429", Reason.RATE_LIMITED, "yt_dlp/networking/exceptions.py"),
    Cause(r"confirm your age|age[- ]restricted|inappropriate for some users", Reason.AGE_GATED, YOUTUBE),
    Cause(r"in your (country|region)|geo[- ]?restrict|from your location", Reason.GEO_BLOCKED, f"{YOUTUBE}; {COMMON}"),
    Cause(r"private video|video is private|granted access to this video", Reason.PRIVATE, YOUTUBE),
    Cause(r"members[- ]only|this channel's members", Reason.PRIVATE, YOUTUBE),
    Cause(
        r"requires payment|Music Premium members|purchase|only available (for|to) registered", Reason.PRIVATE, COMMON
    ),
    Cause(r"live (event|stream) recording is not available", Reason.UNAVAILABLE, YOUTUBE),
    Cause(r"live event has ended", Reason.UNAVAILABLE, YOUTUBE),
    Cause(r"live event will begin|premieres? (in|will)|check back later", Reason.DOWNLOAD_FAILED, YOUTUBE),
    Cause(r"has been removed|was removed|removed by the (uploader|user)", Reason.REMOVED, YOUTUBE),
    Cause(
        r"(account|channel)\b.* (terminated|closed|deleted)|closed their (YouTube )?account", Reason.REMOVED, YOUTUBE
    ),
    Cause(r"copyright|claimed content|legal complaint", Reason.REMOVED, YOUTUBE),
    Cause(r"video (is )?(unavailable|not available)|isn't available any ?more", Reason.UNAVAILABLE, YOUTUBE),
    Cause(r"video does not exist|no longer available", Reason.UNAVAILABLE, YOUTUBE),
    Cause(r"DRM protected", Reason.NO_FORMAT, f"{CORE}: raise_no_formats"),
    Cause(r"Requested format is not available|No video formats found", Reason.NO_FORMAT, CORE),
    Cause(r"Did not get any data blocks", Reason.EMPTY_FILE, "yt_dlp/downloader/http.py"),
    Cause(r"Got error: (?!HTTP Error 4)", Reason.NETWORK, "yt_dlp/downloader: no answer, 5xx, or a part of the file"),
    Cause(r"No space left on device|Disk quota exceeded", Reason.DISK_FULL, "ffmpeg, while it merges"),
)
PATTERNS = [(re.compile(cause.pattern, re.IGNORECASE), cause.reason) for cause in CAUSES]
STATUSES = {
    401: Reason.PRIVATE,
    404: Reason.UNAVAILABLE,
    408: Reason.NETWORK,
    410: Reason.REMOVED,
    425: Reason.NETWORK,
    429: Reason.RATE_LIMITED,
    451: Reason.GEO_BLOCKED,
}
NOISE = re.compile(
    r"^ERROR: |^\s*\[download\] Got error: | \(caused by .*\)$|[;.]? ?please report this issue on .*$| at 0x[0-9a-f]+|"
    r"\.? ?Use --cookies-from-browser.*$|\.? ?Use --list-formats.*$|\nYou might want to use a VPN.*$",
    re.IGNORECASE | re.DOTALL,
)
REMEDIES = {
    Reason.PRIVATE: "with an account that may see it, TAVCE_COOKIES names its cookies",
    Reason.AGE_GATED: "with an account of that age, TAVCE_COOKIES names its cookies",
    Reason.GEO_BLOCKED: "TAVCE_PROXY names a proxy elsewhere",
    Reason.NO_FORMAT: "no picture with sound of download.min_height_px lines: `yt-dlp -F URL` lists what there is",
}


class FetchError(ClipError):
    """A video could not be fetched; `retry_after_s` is how long its server asks to be left alone."""

    def __init__(self, reason: Reason, detail: str, retry_after_s: float = 0.0):
        super().__init__(reason, detail)
        self.retry_after_s = retry_after_s


def explain(error: Exception, warnings: Sequence[str] = ()) -> FetchError:
    """Return what an exception of yt-dlp means, given the warnings that came before it."""
    chain = [*_chain(error)]
    answer = next((item for item in chain if isinstance(item, HTTPError)), None)
    reason = _reason(chain, answer, warnings)
    words = _tidy(str(getattr(error, "msg", None) or error) or type(error).__name__)
    remedy = REMEDIES.get(reason)
    return FetchError(reason, f"{words}: {remedy}" if remedy else words, _retry_after_s(answer))


def _reason(chain: Sequence[BaseException], answer: HTTPError | None, warnings: Sequence[str]) -> Reason:
    if any(isinstance(item, OSError) and item.errno in FULL for item in chain):
        return Reason.DISK_FULL
    if any(isinstance(item, GeoRestrictedError) for item in chain):
        return Reason.GEO_BLOCKED
    found = _said(str(chain[0]))
    if found is not None:
        return found
    if answer is not None:
        return Reason.NETWORK if answer.status >= 500 else STATUSES.get(answer.status, Reason.DOWNLOAD_FAILED)
    if any(isinstance(item, CertificateVerifyError) for item in chain):
        return Reason.DOWNLOAD_FAILED
    if any(isinstance(item, TransportError | ContentTooShortError) for item in chain):
        return Reason.NETWORK
    found = next((reason for reason in map(_said, warnings) if reason is not None), None)
    return found or (Reason.NETWORK if any(_broken(text) for text in warnings) else Reason.DOWNLOAD_FAILED)


def _said(text: str) -> Reason | None:
    text = text.replace("’", "'")
    return next((reason for pattern, reason in PATTERNS if pattern.search(text)), None)


def _broken(warning: str) -> bool:
    """Return whether a warning tells of a request that got no answer, or one of 500 and more."""
    return bool(re.search(r"HTTP Error 5\d\d|TransportError|timed out|Unable to (connect|download API page)", warning))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that led to it; yt-dlp keeps the first one in `exc_info` or `cause`."""
    waiting, seen = [error], set()
    while waiting:
        item = waiting.pop(0)
        if item is None or id(item) in seen or not isinstance(item, BaseException):
            continue
        seen.add(id(item))
        yield item
        waiting += [item.__cause__, item.__context__]
        if isinstance(item, YoutubeDLError):
            waiting += [(getattr(item, "exc_info", None) or (None, None))[1], getattr(item, "cause", None)]


def _retry_after_s(answer: HTTPError | None) -> float:
    """Return what a server's `Retry-After` says; 0 where it names a date or nothing."""
    said = answer.response.headers.get("Retry-After", "") if answer is not None else ""
    return min(float(said), LONGEST_RETRY_AFTER_S) if said.strip().isdigit() else 0.0


def _tidy(words: str) -> str:
    """Return a message without what is about yt-dlp's own command line, or differs from run to run."""
    text = words
    while (shorter := NOISE.sub("", text)) != text:
        text = shorter
    return " ".join(text.split())[:LONGEST_DETAIL]
