"""Facts about why a video could not be fetched: real messages and exceptions of yt-dlp, and what they mean."""

import errno
import re

import pytest
from yt_dlp.networking.exceptions import CertificateVerifyError, IncompleteRead, ProxyError, TransportError
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    PostProcessingError,
    UnavailableVideoError,
)

from tavce.fetch.errors import CAUSES, explain

SAID = [  # as yt-dlp hands on what YouTube says; `’` as YouTube writes it
    ("Private video. Sign in if you've been granted access to this video", "private"),
    ("This video is private. If the owner of this video has granted you access, please sign in.", "private"),
    ("Video unavailable. This video is private", "private"),
    ("Join this channel to get access to members-only content like this video, and other exclusive perks.", "private"),
    ("This video is available to this channel's members on level: Gold", "private"),
    ("This video requires payment to watch.", "private"),
    ("Video unavailable. The uploader has not made this video available in your country", "geo_blocked"),
    ("This video contains content from UMG, who has blocked it in your country on copyright grounds", "geo_blocked"),
    ("This video is not available from your location due to geo restriction", "geo_blocked"),
    ("Video unavailable. This video has been removed by the uploader", "removed"),
    ("This video has been removed for violating YouTube's Terms of Service", "removed"),
    ("This video has been removed for violating YouTube's policy on hate speech.", "removed"),
    ("Video unavailable. This video was removed due to a legal complaint", "removed"),
    ("Video unavailable. It was blocked due to the claimed content by Label.", "removed"),
    ("This video is no longer available due to a copyright claim by Label", "removed"),
    ("This video contains content from SME, who has blocked it on copyright grounds", "removed"),
    (
        "Video unavailable. This video is no longer available because the YouTube account associated with this video "
        "has been terminated.",
        "removed",
    ),
    ("This video is no longer available because the uploader has closed their YouTube account.", "removed"),
    ("Video unavailable", "unavailable"),
    ("Video unavailable. This video is not available", "unavailable"),
    ("This video isn't available anymore", "unavailable"),
    ("This video does not exist.", "unavailable"),
    ("This live stream recording is not available.", "unavailable"),
    ("This live event has ended.", "unavailable"),
    ("This video is only available for registered users. Use --cookies", "private"),
    ("Did not get any data blocks", "empty_file"),
    ("Sign in to confirm your age. This video may be inappropriate for some users.", "age_gated"),
    ("Sign in to confirm you’re not a bot", "rate_limited"),
    ("Sign in to confirm you're not a bot", "rate_limited"),
    ("This content isn’t available, try again later. The current session has been rate-limited", "rate_limited"),
    ("Video unavailable. YouTube is requiring a captcha challenge before playback", "rate_limited"),
    ("All player responses are invalid. Your IP is likely being blocked by Youtube", "rate_limited"),
    ("This live event will begin in 5 hours.", "download_failed"),
    ("Premieres in 3 hours", "download_failed"),
    ("We're processing this video. Check back later.", "download_failed"),
    ("Playback on other websites has been disabled by the video owner", "download_failed"),
    ("This video is DRM protected", "no_format"),
    ("Requested format is not available. Use --list-formats for a list of available formats", "no_format"),
    ("No video formats found!", "no_format"),
    ("Unable to download webpage: HTTP Error 429: Too Many Requests", "rate_limited"),
    ("\r[download] Got error: 2000 bytes read, 9666 more expected", "network"),
    ("\r[download] Got error: HTTP Error 503: Service Unavailable", "network"),
    ("\r[download] Got error: HTTP Error 403: Forbidden. Giving up after 3 retries", "download_failed"),
    ("Postprocessing: av_interleaved_write_frame(): No space left on device", "disk_full"),
]


@pytest.mark.parametrize(("words", "reason"), SAID)
def test_what_a_site_says_has_a_reason(words, reason):
    assert explain(DownloadError(f"ERROR: [youtube] dQw4w9WgXcQ: {words}")).reason == reason


def test_every_known_phrase_says_who_says_it_and_is_tried():
    texts = [words.replace("’", "'") for words, _ in SAID]
    first = [next((c for c in CAUSES if re.search(c.pattern, text, re.IGNORECASE)), None) for text in texts]
    assert set(CAUSES) == set(first) - {None}
    assert all(cause.origin for cause in CAUSES)


def _raised_from(cause: BaseException) -> DownloadError:
    """Return what yt-dlp raises where its own exception `cause` ends a video."""
    error = ExtractorError("Unable to download webpage", cause=cause, expected=True)
    return DownloadError("ERROR: Unable to download webpage", (type(error), error, None))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (_raised_from(TransportError("<urlopen error [Errno -3] Temporary failure in name resolution>")), "network"),
        (_raised_from(IncompleteRead(100, 200)), "network"),
        (_raised_from(ProxyError("Unable to connect to proxy")), "network"),
        (_raised_from(CertificateVerifyError("self-signed certificate")), "download_failed"),
        (_raised_from(ContentTooShortError(100, 200)), "network"),
        (DownloadError("ERROR: not here", (GeoRestrictedError, GeoRestrictedError("not here"), None)), "geo_blocked"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (OSError(errno.EACCES, "Permission denied"), "download_failed"),
        (PostProcessingError("Conversion failed!"), "download_failed"),
        (ExtractorError("Unsupported URL: http://a.example/b"), "download_failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_was_raised_has_a_reason(error, reason):
    assert explain(error).reason == reason


def test_a_full_disk_behind_other_words_is_a_full_disk():
    error = UnavailableVideoError("the disk")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert explain(error).reason == "disk_full"


@pytest.mark.parametrize(
    ("warnings", "reason"),
    [
        (["[youtube] x: Unable to download API page: HTTP Error 429: Too Many Requests"], "rate_limited"),
        (["[youtube] x: Unable to download API page: HTTP Error 500: Internal Server Error"], "network"),
        (["[youtube] x: Unable to download API page: Read timed out."], "network"),
        (["[youtube] x: something else", "Sign in to confirm you’re not a bot"], "rate_limited"),
        (["[youtube] x: n challenge solving failed: Some formats may be missing"], "download_failed"),
        ([], "download_failed"),
    ],
)
def test_last_words_that_name_no_cause_are_explained_by_the_warnings_before(warnings, reason):
    error = DownloadError("ERROR: [youtube] x: Failed to extract any player response")
    assert explain(error, warnings).reason == reason


def test_a_cause_that_is_named_is_not_overruled_by_a_warning():
    error = DownloadError("ERROR: [youtube] x: Private video")
    assert explain(error, ["HTTP Error 429: Too Many Requests"]).reason == "private"


def test_a_detail_is_the_same_in_every_run_and_is_not_about_a_command_line():
    words = (
        "ERROR: [generic] a: Unable to download webpage: HTTPConnection(host='h', port=1) <object at 0x7f00aa11> "
        "(caused by TransportError('x at 0x7f00aa11')); please report this issue on  https://github.com/yt-dlp "
    )
    assert explain(DownloadError(words)).detail == (
        "[generic] a: Unable to download webpage: HTTPConnection(host='h', port=1) <object>"
    )


def test_a_detail_names_the_remedy_where_there_is_one():
    assert "TAVCE_COOKIES" in explain(DownloadError("ERROR: Private video")).detail
    assert "TAVCE_PROXY" in explain(GeoRestrictedError("blocked")).detail
    assert "download.min_height_px" in explain(DownloadError("ERROR: Requested format is not available")).detail


def test_a_long_detail_is_cut():
    assert len(explain(DownloadError("ERROR: " + "x" * 5000)).detail) == 400
