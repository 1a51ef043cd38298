"""Facts about trimming: every reason to drop a clip, and what is kept of a good one."""

from fractions import Fraction

import numpy as np
import pytest
from coded_video import coded_frame, ffmpeg, numbers, steady, tone, write_coded
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.files import sha256
from tavce.media import VideoFormat, write_video

FAST = {"preset": "ultrafast"}


@pytest.fixture(scope="module")
def shard(tmp_path_factory) -> Pipeline:
    """One good clip and one for each reason, downloaded and trimmed."""
    folder = tmp_path_factory.mktemp("trim")
    good = write_coded(folder / "good.mp4", steady(25, 100), tone(4))
    write_video(folder / "cut_off.mp4", map(coded_frame, range(100)), tone(4), VideoFormat(25, 16_000, 18, "ultrafast"))
    content = (folder / "cut_off.mp4").read_bytes()
    (folder / "cut_off.mp4").write_bytes(content[: len(content) * 2 // 3])
    (folder / "stump.mp4").write_bytes(good.read_bytes()[:5000])
    (folder / "text.mp4").write_text("no video at all", encoding="utf-8")
    (folder / "empty.mp4").touch()
    write_coded(folder / "mute.mp4", steady(25, 100))
    write_coded(folder / "silent.mp4", steady(25, 100), tone(4) * 3e-3)
    write_coded(folder / "short.mp4", steady(25, 60), tone(2.4))
    write_coded(folder / "long_sound.mp4", steady(25, 100), tone(6))
    write_coded(folder / "short_sound.mp4", steady(25, 100), tone(3.5))
    ffmpeg("-i", good, "-vn", "-c", "copy", folder / "sound.mp4")
    pipeline = Pipeline(folder, settings(trim=FAST))
    names = ("text", "empty", "mute", "silent", "short", "long_sound", "short_sound", "cut_off", "stump", "sound")
    pipeline.write_rows(
        *(row(name, folder / f"{name}.mp4") for name in names),
        row("missing", folder / "nowhere.mp4"),
        row("good", good, start_frame=10, end_frame=89, video_id="good"),
        row("annotated_short", good, start_frame=10, end_frame=40),
        row("beyond", good, start_frame=50, end_frame=149),
        row("late", good, start_frame=400),
    )
    pipeline.run_all("download", "trim")
    return pipeline


def test_every_bad_clip_is_dropped_for_its_reason_and_the_good_one_kept(shard):
    assert shard.reasons("trim") == {
        "text": "not_a_video",
        "empty": "empty_file",
        "mute": "no_audio",
        "silent": "silent",
        "short": "too_short",
        "long_sound": "av_mismatch",
        "short_sound": "av_mismatch",
        "cut_off": "missing_frames",
        "stump": "not_a_video",
        "sound": "not_a_video",
        "missing": "missing_file",
        "good": None,
        "annotated_short": "too_short",
        "beyond": "missing_frames",
        "late": "missing_frames",
    }


def test_files_that_cannot_be_opened_are_lost_before_trimming(shard):
    lost = {name for name, record in shard.records("trim").items() if record.lost_at == "download"}
    assert lost == {"text", "empty", "stump", "sound", "missing"}


def test_the_details_name_figures_and_settings(shard):
    details = {name: record.detail for name, record in shard.records("trim").items()}
    assert details["mute"].endswith("mute.mp4 has no audio stream")
    assert details["silent"] == "-64 dB, trim.min_loudness_db is -55.0"
    assert details["short"] == "60 frames, trim.min_frames is 64"
    assert details["annotated_short"] == "31 frames annotated, trim.min_frames is 64"
    assert details["beyond"] == "50 frames could be read of 100 annotated"
    assert details["cut_off"].endswith("frames could be read of 100 by the file's header")
    assert details["short_sound"].endswith("frames, the picture 100")
    assert details["late"].endswith("the picture ends at frame 100, before 400")


def test_a_good_clip_has_its_annotated_frames_and_as_much_sound(shard):
    with store.open_shard(shard.h5("trim")) as file:
        assert list(file) == ["good"]
        clip = file["good"]
        assert numbers(clip["video"][:].tobytes()) == list(range(10, 90))
        assert clip["wave"].shape == (80 * 640,)
        assert clip["wave"].dtype == np.int16
        assert clip.attrs["source_sha256"] == sha256(shard.folder / "good.mp4")
    record = shard.records("trim")["good"]
    loudness_db = pytest.approx(-13.5, abs=0.3)
    assert record.numbers == {"frames": 80, "seconds": 3.2, "loudness_db": loudness_db, "audio_offset_frames": 0}


def test_the_users_files_stay_as_they_are(shard):
    assert (shard.folder / "text.mp4").read_text(encoding="utf-8") == "no video at all"
    assert not (shard.folder / "quarantine").exists()


def test_a_video_that_has_disappeared_since_its_download_is_a_missing_file(tmp_path):
    pipeline = Pipeline(tmp_path, settings(trim=FAST))
    for name in ("gone", "here"):
        write_coded(tmp_path / f"{name}.mp4", steady(25, 100), tone(4))
    pipeline.write_rows(row("gone", tmp_path / "gone.mp4"), row("here", tmp_path / "here.mp4"))
    pipeline.run_all("download")
    (tmp_path / "gone.mp4").unlink()
    pipeline.run_all("trim")
    assert pipeline.reasons("trim") == {"gone": "missing_file", "here": None}
    assert pipeline.records("trim")["gone"].lost_at == "trim"


def test_a_download_that_was_emptied_is_an_empty_file(tmp_path):
    pipeline = Pipeline(tmp_path, settings(trim=FAST))
    pipeline.write_rows(row("a", write_coded(tmp_path / "a.mp4", steady(25, 100), tone(4))))
    pipeline.run_all("download")
    (tmp_path / "a.mp4").write_bytes(b"")
    pipeline.run_all("trim")
    assert pipeline.reasons("trim") == {"a": "empty_file"}


def test_sound_a_frame_too_short_is_filled_with_silence(tmp_path):
    write_coded(tmp_path / "a.mp4", steady(25, 100), tone(3.97))
    pipeline = Pipeline(tmp_path, settings(trim={**FAST, "max_gap_frames": 2}))
    pipeline.write_rows(row("a", tmp_path / "a.mp4"))
    pipeline.run_all("download", "trim")
    assert pipeline.reasons("trim") == {"a": None}
    with store.open_shard(pipeline.h5("trim")) as file:
        assert file["a"]["wave"].shape == (100 * 640,)


def test_a_video_at_12_frames_a_second_is_as_long_at_25(tmp_path):
    write_coded(tmp_path / "a.mp4", steady(Fraction(12), 48), tone(4))
    pipeline = Pipeline(tmp_path, settings(trim=FAST))
    pipeline.write_rows(row("a", tmp_path / "a.mp4"))
    pipeline.run_all("download", "trim")
    assert pipeline.records("trim")["a"].numbers["frames"] == 100
