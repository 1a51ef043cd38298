"""Urls that are a video's own: they end like one, and no site's extractor claims them."""

import os
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yt_dlp

SUFFIXES = frozenset(("mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ogv", "wmv"))
PAGES = (
    "text/",
    "application/xhtml",
    "application/json",
    "application/xml",
    "mpegurl",
    "dash+xml",
)  # of a Content-Type


def claims(url: str) -> bool:
    """Return whether a url is a video's own, as far as it can be seen without asking."""
    folder, _, name = urlsplit(url).path.rpartition("/")
    suffix = name.rpartition(".")[2].lower()
    if "." not in name or suffix not in SUFFIXES:
        return False
    return not _claimed(urlsplit(url)._replace(path=f"{folder}/video.{suffix}").geturl())


@cache
def _claimed(url: str) -> bool:
    """Return whether a site's extractor claims a url; asked once a folder, for there are 1,800 extractors."""
    extractors = yt_dlp.extractor.gen_extractor_classes()
    return any(item.suitable(url) for item in extractors if item.IE_NAME != "generic")


def describe(url: str) -> dict[str, Any]:
    """Return what an extractor would say of a url that is a video's own."""
    name = os.path.basename(urlsplit(url).path)
    base, _, suffix = name.rpartition(".")
    return {
        "id": base,
        "title": base,
        "url": url,
        "ext": suffix.lower(),
        "format_id": suffix.lower(),
        "direct": True,
        "webpage_url": url,
        "extractor": "direct",
        "extractor_key": "Direct",
    }
