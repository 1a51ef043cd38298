"""Facts about videos with a broken middle: a clip that holds it is dropped, its neighbours are kept as they are."""

import random
from pathlib import Path

import av
import pytest
from coded_video import coded_frame, ffmpeg, numbers, tone
from pipeline import Pipeline, row, settings

from tavce import damage, store
from tavce.media import VideoFormat, write_video
from tavce.records import ClipError

pytestmark = pytest.mark.slow

WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
FRAMES, EVERY = 250, 50  # a keyframe
BROKEN_S = (4.4, 4.8)
CLIPS = {"before": (20, 99), "before_it_in_time": (20, 105), "with": (60, 139), "after": (150, 229)}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """Ten seconds with a keyframe every two, and a tone."""
    folder = tmp_path_factory.mktemp("damage")
    write_video(folder / "a.mp4", map(coded_frame, range(FRAMES)), tone(FRAMES / 25), WRITE)
    keyframes = ("-g", str(EVERY), "-sc_threshold", "0")
    ffmpeg("-i", folder / "a.mp4", "-c:v", "libx264", *keyframes, "-c:a", "copy", folder / "source.mp4")
    return folder / "source.mp4"


def broken(source: Path, path: Path, stream: str, how: str) -> Path:
    """Copy a video, and overwrite what a stream has between 4.4 and 4.8 s with zeros or noise."""
    content, draw = bytearray(source.read_bytes()), random.Random(1)
    with av.open(str(source)) as container:
        for packet in container.demux(**{stream: 0}):
            if packet.size and BROKEN_S[0] <= packet.pts * packet.time_base < BROKEN_S[1]:
                noise = bytes(packet.size) if how == "zeros" else draw.randbytes(packet.size)
                content[packet.pos : packet.pos + packet.size] = noise
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("how", ["zeros", "noise"])
@pytest.mark.parametrize("stream", ["video", "audio"])
def test_only_the_clips_that_hold_the_broken_part_are_dropped(tmp_path, source, stream, how):
    path = broken(source, tmp_path / "a.mp4", stream, how)
    pipeline = Pipeline(tmp_path, settings(trim={"preset": "ultrafast"}))
    pipeline.write_rows(
        *(row(name, path, video_id="a", start_frame=start, end_frame=end) for name, (start, end) in CLIPS.items())
    )
    pipeline.run_all("download", "trim")
    assert pipeline.reasons("trim") == {"before": None, "before_it_in_time": None, "with": "damaged", "after": None}
    assert "a.mp4: cannot be decoded in" in pipeline.records("trim")["with"].detail
    assert "from 4.4" in pipeline.records("trim")["with"].detail
    with store.open_shard(pipeline.h5("trim")) as file:
        for name in file:
            start, end = CLIPS[name]
            assert numbers(file[name]["video"][:].tobytes()) == list(range(start, end + 1))


def test_a_whole_video_with_a_broken_part_is_dropped(tmp_path, source):
    pipeline = Pipeline(tmp_path, settings(trim={"preset": "ultrafast"}))
    pipeline.write_rows(row("a", broken(source, tmp_path / "a.mp4", "video", "noise")))
    pipeline.run_all("download", "trim")
    assert pipeline.reasons("trim") == {"a": "damaged"}


def test_frames_that_build_on_broken_ones_are_damaged_too(tmp_path, source):
    path = broken(source, tmp_path / "a.mp4", "video", "noise")
    with pytest.raises(ClipError, match="damaged"):
        damage.check(path, 5.2, 5.8)
    damage.check(path, 6.0, 10.0)


@pytest.mark.parametrize("suffix", ["mkv", "flv", "nut", "ts", "mpg"])
def test_noise_in_any_container_is_damage_and_nothing_worse(tmp_path, source, suffix):
    recoded = ("-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2", "-ar", "44100") if suffix == "mpg" else ("-c", "copy")
    ffmpeg("-i", source, *recoded, tmp_path / f"whole.{suffix}")
    content = (tmp_path / f"whole.{suffix}").read_bytes()
    start, end = len(content) * 45 // 100, len(content) * 55 // 100
    for seed in range(8):
        noise = random.Random(seed).randbytes(end - start)
        (tmp_path / f"a.{suffix}").write_bytes(content[:start] + noise + content[end:])
        with pytest.raises(ClipError, match="damaged"):
            damage.check(tmp_path / f"a.{suffix}", 0, 10)
        damage.check(tmp_path / f"a.{suffix}", 0, 2)


def test_a_container_that_breaks_off_is_damaged_where_it_does(tmp_path, source):
    ffmpeg("-i", source, "-c:v", "rv20", "-s", "128x96", "-c:a", "ac3", tmp_path / "whole.rm")
    content = (tmp_path / "whole.rm").read_bytes()
    words = []
    for percent in range(40, 90, 5):  # in the middle of a packet, and between two
        (tmp_path / "a.rm").write_bytes(content[: len(content) * percent // 100])
        damage.check(tmp_path / "a.rm", 0, 2)
        with pytest.raises(ClipError, match=r"damaged: .*a\.rm: ") as caught:
            damage.check(tmp_path / "a.rm", 0, 10)
        words.append(caught.value.detail.split(": ")[1])
    assert any("Invalid data" in said for said in words)


def test_a_video_that_cannot_be_sought_in_is_read_from_its_start(tmp_path, source):
    ffmpeg("-i", source, "-c:v", "rv20", "-s", "128x96", "-c:a", "ac3", tmp_path / "a.rm")
    damage.check(tmp_path / "a.rm", 5, 6)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "ts", "avi"])
def test_nothing_is_damaged_in_a_sound_video_wherever_a_part_begins(tmp_path, source, suffix):
    codec = {"webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")}
    opened = ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=40:bframes=3", "-c:a", "aac")
    ffmpeg("-i", source, *codec.get(suffix, opened), tmp_path / f"a.{suffix}")
    for tenth in range(0, 90, 7):
        damage.check(tmp_path / f"a.{suffix}", tenth / 10, tenth / 10 + 1)
