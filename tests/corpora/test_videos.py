"""Facts about addresses of videos: which lead to the same one."""

import pytest

from tavce.corpora.videos import video_key, watch_url, youtube_id

ONE = "-x_0dWxy1_-"


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/watch?v={}",
        "http://youtube.com/watch?v={}&t=6s",
        "https://www.youtube.com/watch?app=desktop&v={}#t=1",
        "https://m.youtube.com/watch?v={}&list=PL1",
        "https://music.youtube.com/watch?v={}",
        "https://youtu.be/{}",
        "https://youtu.be/{}?si=abc&t=6",
        "https://www.youtube.com/embed/{}?start=6",
        "https://www.youtube-nocookie.com/embed/{}",
        "https://www.youtube.com/shorts/{}",
        "https://www.youtube.com/live/{}?feature=share",
        "https://www.youtube.com/v/{}",
        "www.youtube.com/watch?v={}",
        "youtu.be/{}",
        "HTTPS://WWW.YouTube.com/watch?v={}",
        " https://www.youtube.com/watch?v={}\n",
    ],
)
def test_every_address_of_a_video_has_one_key(address):
    assert video_key(address.format(ONE)) == f"youtube:{ONE}"
    assert watch_url(youtube_id(address.format(ONE))) == f"https://www.youtube.com/watch?v={ONE}"


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/watch?v=-x_0dWxy1_-",
        "https://notyoutube.com/watch?v=-x_0dWxy1_-",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/@somebody",
        "https://youtu.be/",
        "https://[/watch?v=-x_0dWxy1_-",
        "ftp://youtube.com/watch?v=-x_0dWxy1_-",
        "served:s00_c00.mp4",
        "/data/youtube.com/watch.mp4",
        "-x_0dWxy1_-",
    ],
)
def test_any_other_source_is_its_own_key(source):
    assert video_key(source) == source
