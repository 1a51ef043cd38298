"""Facts about YouTube's answers, read by yt-dlp's own extractor from a YouTube on this machine."""

import threading

import pytest
from coded_video import ffmpeg
from fake_youtube import FakeYouTube, certificate, playable, refusal, stream
from fast_downloads import FAST
from pipeline import settings

from tavce import media
from tavce.fetch.access import Access
from tavce.fetch.client import Client, Target
from tavce.fetch.errors import FetchError

pytestmark = pytest.mark.slow

H264, VP9, AAC = 'video/mp4; codecs="avc1.640028"', 'video/webm; codecs="vp9"', 'audio/mp4; codecs="mp4a.40.2"'
UNAVAILABLE = "Video unavailable"
REFUSALS = {
    "private": refusal("LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video"),
    "removed": refusal("ERROR", UNAVAILABLE, "This video has been removed by the uploader"),
    "terminated": refusal(
        "ERROR",
        UNAVAILABLE,
        "This video is no longer available because the YouTube account associated with this video has been terminated.",
    ),
    "copyright": refusal(
        "UNPLAYABLE", UNAVAILABLE, "This video contains content from SME, who has blocked it on copyright grounds"
    ),
    "country": refusal("UNPLAYABLE", UNAVAILABLE, "The uploader has not made this video available in your country"),
    "age": refusal("LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."),
    "bot": refusal("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot", "This helps protect our community."),
    "session": refusal("UNPLAYABLE", "This content isn’t available, try again later."),
    "members": refusal("UNPLAYABLE", "Join this channel to get access to members-only content like this video"),
    "soon": refusal("LIVE_STREAM_OFFLINE", "This live event will begin in 5 hours."),
    "unknown": refusal("ERROR", UNAVAILABLE),
    "odd": {"playabilityStatus": {"status": 7, "reason": 7}},
    "many": 429,
    "broken": 500,
}
REASONS = {
    "private": "private",
    "removed": "removed",
    "terminated": "removed",
    "copyright": "removed",
    "country": "geo_blocked",
    "age": "age_gated",
    "bot": "rate_limited",
    "session": "rate_limited",
    "members": "private",
    "soon": "download_failed",
    "unknown": "unavailable",
    "odd": "download_failed",
    "many": "rate_limited",
    "broken": "network",
}


def name(word: str) -> str:
    """Return a video id, which has eleven characters."""
    return f"{word:_<11}"


@pytest.fixture(scope="module")
def youtube(tmp_path_factory, video):
    folder = tmp_path_factory.mktemp("youtube")
    ffmpeg("-i", video, "-an", "-c", "copy", folder / "picture.mp4")
    ffmpeg("-i", video, "-vn", "-c", "copy", folder / "sound.m4a")

    def picture(itag, kind, lines, fps=25):
        size = {"height": lines, "width": lines * 16 // 9, "fps": fps, "quality": f"hd{lines}"}
        return stream(itag, kind, folder / "picture.mp4", **size)

    sound = stream(140, AAC, folder / "sound.m4a", audioQuality="AUDIO_QUALITY_MEDIUM", audioChannels=1)
    better = stream(251, 'audio/webm; codecs="opus"', folder / "sound.m4a", audioQuality="AUDIO_QUALITY_MEDIUM")
    heights = [
        better,
        picture(137, H264, 1080),
        picture(248, VP9, 1080),
        picture(136, H264, 720),
        picture(313, VP9, 2160),
    ]
    both = stream(18, 'video/mp4; codecs="avc1.42001E, mp4a.40.2"', video, height=360, width=640, quality="medium")
    videos = {
        "heights": playable(*heights, sound),
        "fast": playable(picture(299, H264, 1080, fps=60), picture(248, VP9, 1080, fps=30), sound),
        "large": playable(picture(313, VP9, 2160), picture(271, VP9, 1440), sound),
        "silent": playable(*heights[1:]),
        "both": playable(picture(137, H264, 1080), both),
        "live": playable(*heights, sound) | {"videoDetails": {"videoId": name("live"), "title": "l", "isLive": True}},
    }
    with FakeYouTube(certificate(folder), {name(word): said for word, said in {**REFUSALS, **videos}.items()}) as here:
        yield here


def fetch(youtube, folder, word, **changes):
    """Fetch a video as a thread of the stage does; the certificate is self-signed."""
    wanted = settings(download={**FAST, "timeout_s": 10, "attempts": 1, **changes}).download
    client = Client(wanted, Access(proxy=f"http://{youtube.address}"), threading.Event(), set())
    client._downloader.params["nocheckcertificate"] = True
    choices = []
    try:
        url = f"https://www.youtube.com/watch?v={name(word)}"
        return *client.fetch(url, Target(folder / "v", choices.append)), choices
    finally:
        client.close()


@pytest.mark.parametrize(("word", "reason"), REASONS.items())
def test_what_youtube_answers_has_a_reason(youtube, tmp_path, word, reason):
    with pytest.raises(FetchError) as caught:
        fetch(youtube, tmp_path, word)
    assert caught.value.reason == reason
    assert list(tmp_path.iterdir()) == []


def test_what_no_extractor_foresaw_costs_one_video_and_is_named(youtube, tmp_path):
    with pytest.raises(FetchError, match=r"yt-dlp [\d.]+: TypeError: argument of type 'int' is not"):
        fetch(youtube, tmp_path, "odd")


def test_the_highest_picture_up_to_the_maximum_is_merged_with_the_sound(youtube, tmp_path):
    path, format_id, (choice,) = fetch(youtube, tmp_path, "heights")
    assert (path.name, format_id, choice.format) == ("v.mp4", "137+140", "137+140")
    assert media.probe(path).sound is not None
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]


def test_a_merge_takes_the_room_of_its_parts_twice(youtube, tmp_path, video):
    _path, _format, (choice,) = fetch(youtube, tmp_path, "heights")
    assert 1.5 * video.stat().st_size < choice.expected_bytes < 2.5 * video.stat().st_size


@pytest.mark.parametrize(
    ("word", "changes", "format_id"),
    [
        ("heights", {"max_height_px": 2160}, "313+140"),
        ("heights", {"max_height_px": 720}, "136+140"),
        ("heights", {"min_height_px": 1080}, "137+140"),
        ("fast", {}, "248+140"),
        ("large", {}, "271+140"),
        ("both", {}, "18"),
    ],
    ids=["maximum", "lower maximum", "minimum", "30 frames a second", "all above the maximum", "sound before height"],
)
def test_the_format_is_the_best_for_the_settings(youtube, tmp_path, word, changes, format_id):
    assert fetch(youtube, tmp_path, word, **changes)[1] == format_id


@pytest.mark.parametrize(
    ("word", "changes"),
    [("silent", {}), ("both", {"min_height_px": 720}), ("heights", {"min_height_px": 3000, "max_height_px": 4000})],
    ids=["no sound at all", "sound below the minimum only", "all below the minimum"],
)
def test_where_no_format_fits_nothing_is_fetched(youtube, tmp_path, word, changes):
    with pytest.raises(FetchError, match=r"no_format: .*download.min_height_px"):
        fetch(youtube, tmp_path, word, **changes)
    assert list(tmp_path.iterdir()) == []


def test_what_is_live_is_left_for_later(youtube, tmp_path):
    with pytest.raises(FetchError, match="download_failed: it is live now"):
        fetch(youtube, tmp_path, "live")
    assert list(tmp_path.iterdir()) == []
