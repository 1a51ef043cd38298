"""Which video a source is, however its address is written."""

import re
from urllib.parse import parse_qs, urlsplit

YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
HOSTS = re.compile(r"(?:[a-z]+\.)*youtube(?:-nocookie)?\.com")
IN_PATH = {"embed", "live", "shorts", "v", "e"}


def video_key(source: str) -> str:
    """Return what is the same for every address of one video.

    `youtube:ID` for whatever leads to a video of YouTube; any other address, or path, as it is.
    """
    found = youtube_id(source)
    return source if found is None else f"youtube:{found}"


def youtube_id(url: str) -> str | None:
    """Return the id of YouTube's video at an address; None where the address is not one of a video there."""
    address = url.strip() if "//" in url else f"//{url.strip()}"  # people leave out `https://`
    try:
        parts = urlsplit(address, scheme="https")
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:  # "[" in the host, and the like
        return None
    folders = [folder for folder in parts.path.split("/") if folder]
    if parts.scheme not in ("http", "https"):
        return None
    if host == "youtu.be":
        found = folders[0] if folders else ""
    elif not HOSTS.fullmatch(host):
        return None
    elif len(folders) > 1 and folders[0] in IN_PATH:
        found = folders[1]
    else:
        found = parse_qs(parts.query).get("v", [""])[0]
    return found if YOUTUBE_ID.fullmatch(found) else None


def watch_url(video_id: str) -> str:
    """Return the address of YouTube's page of a video."""
    return f"https://www.youtube.com/watch?v={video_id}"
