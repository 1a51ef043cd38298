"""Facts about `quality`: what it measures of a clip that is made up here, and what each threshold drops."""

import cv2
import numpy as np
import pytest
from packed import pack
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.config import SettingsError
from tavce.data import measures
from tavce.data.mel import log_mel
from tavce.faces.mean_face import MEAN_FACE, HeadPose, pose_landmarks
from tavce.faces.points import LOWER_INNER_LIP
from tavce.records import ClipRecord, write_lines

SIDE_PX, FRAMES, FIRST = 256, 90, 10
RATE = 640  # samples a frame
TURN_DEG = (4.0, 25.0, 12.0)  # pitch, yaw, roll
DETECTED = {"frames": 100, "face_px": 80.0, "miss_rate": 0.04, "cuts": 1, "faces": 2}


def rhythm() -> np.ndarray:
    """Return how loud each frame is and how far the lips open, 0 … 1."""
    return np.random.default_rng(3).uniform(size=FRAMES)


def face(late_frames: int = 0) -> np.ndarray:
    """Return landmarks [T, 68, 2] of a turned head whose lips move, `late_frames` after the sound."""
    frontal = np.tile(MEAN_FACE[:, :2], (FRAMES, 1, 1))
    frontal[:, LOWER_INNER_LIP, 1] += 0.2 * np.roll(rhythm(), late_frames)[:, None]
    rotation = np.tile(np.radians(np.float32(TURN_DEG)), (FRAMES, 1))
    pose = HeadPose(rotation, np.full((FRAMES, 2), SIDE_PX / 2, np.float32), np.full(FRAMES, 100, np.float32))
    return pose_landmarks(frontal, pose)


def sound() -> np.ndarray:
    """Return noise int16 in the rhythm, which begins with the crop: before it lies a frame's worth of a loud tone."""
    noise = np.random.default_rng(4).uniform(-1, 1, FRAMES * RATE) * np.repeat(10 ** (rhythm() - 1.5), RATE)
    tone = 0.9 * np.sin(np.arange(FIRST * RATE) / 5)
    return (np.concatenate([tone, noise]) * 32767).astype(np.int16)


def pictures(blur_px: float = 0) -> list[bytes]:
    noise = np.random.default_rng(5).integers(0, 255, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    shown = cv2.GaussianBlur(noise, (0, 0), blur_px) if blur_px else noise
    return [cv2.imencode(".jpg", shown)[1].tobytes()] * FRAMES


def write(pipeline: Pipeline, **changes) -> None:
    """Write what the stages before leave of one clip."""
    said = {"landmarks": face(), "pictures": pictures(), "wave": sound(), "detected": DETECTED, **changes}
    pipeline.write_rows(row("clip", "clip.mp4"))
    with store.create(pipeline.h5("trim"), store.Origin("trim", 1, "")) as writer:
        writer.put("clip", {"wave": said["wave"]})
    with store.create(pipeline.h5("crop"), store.Origin("crop", 1, "")) as writer:
        writer.put("clip", {**pack(said["pictures"]), "landmarks": said["landmarks"]}, size_px=SIDE_PX)
    about = {"clip_id": "clip", "dataset": "mine", "split": "train", "speaker": "clip", "version": 1}
    for stage, numbers in (("detect", said["detected"]), ("crop", {"frames": FRAMES, "first_frame": FIRST})):
        write_lines(pipeline.records_path(stage), [ClipRecord(**about, stage=stage, numbers=numbers)])


def measured(pipeline: Pipeline, **thresholds) -> ClipRecord:
    """Run the stage and return its record of the clip."""
    pipeline.with_settings(quality=thresholds).run_all("quality")
    return pipeline.records("quality")["clip"]


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    """A clip of which the crop has the frames from the tenth on."""
    pipeline = Pipeline(tmp_path, settings())
    write(pipeline)
    return pipeline


def test_a_clip_is_measured(mine):
    numbers = measured(mine).numbers
    assert (numbers["frames"], numbers["first_frame"], numbers["seconds"]) == (FRAMES, FIRST, 3.6)
    assert {name: numbers[name] for name in ("face_px", "miss_rate", "cuts", "faces")} == {
        name: value for name, value in DETECTED.items() if name != "frames"
    }
    turned = [numbers[name] for name in ("pitch_deg", "yaw_deg", "roll_deg")]
    np.testing.assert_allclose(turned, TURN_DEG, atol=0.2)
    assert (numbers["av_corr"], numbers["av_offset"], numbers["av_note"]) == (pytest.approx(1, abs=0.02), 0, None)
    assert [numbers[name] for name in ("sync_confidence", "sync_distance", "sync_offset_frames")] == [None] * 3
    assert len(numbers["picture_hash"]) == 48
    assert len(numbers["sound_hash"]) == 16


def test_the_loudness_is_that_of_the_frames_that_are_used(mine):
    wave = sound()[FIRST * RATE :] / 32768
    assert measured(mine).numbers["loudness_db"] == pytest.approx(10 * np.log10(np.mean(wave**2)), abs=0.05)


def test_lips_that_follow_the_sound_two_frames_late_are_an_offset_of_two(mine):
    write(mine, landmarks=face(late_frames=2))
    assert measured(mine).numbers["av_offset"] == 2


def test_still_lips_have_no_correlation_and_a_note(mine):
    write(mine, landmarks=np.repeat(face()[:1], FRAMES, axis=0))
    numbers = measured(mine, min_av_corr=0.5, max_av_offset_frames=0).numbers
    assert (numbers["av_corr"], numbers["av_offset"]) == (None, None)
    assert numbers["av_note"] == "no av_corr and av_offset: too few frames, or no change"


def test_a_range_without_sound_or_pose_is_measured_as_far_as_it_can_be(mine):
    write(mine, landmarks=np.full((FRAMES, 68, 2), np.nan, np.float32), wave=sound()[: FIRST * RATE])
    numbers = measured(mine, max_yaw_deg=1, min_sharpness=1000).numbers
    unknown = ("yaw_deg", "sharpness", "loudness_db", "av_corr", "sound_hash")
    assert [numbers[name] for name in unknown] == [None] * 5


def test_a_blurred_picture_is_less_sharp(mine):
    sharp = measured(mine).numbers["sharpness"]
    write(mine, pictures=pictures(blur_px=4))
    assert measured(mine).numbers["sharpness"] < sharp / 20


def test_sharpness_depends_neither_on_the_light_nor_on_the_size_of_the_crop():
    landmarks, noise = face()[0], np.random.default_rng(5).uniform(0, 255, (64, 64)).astype(np.float32)
    grey = np.clip(cv2.resize(noise, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    double = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    sharp = measures.sharpness(grey, landmarks)
    assert measures.sharpness((grey * 0.5).astype(np.uint8), landmarks) == pytest.approx(sharp, rel=0.05)
    assert measures.sharpness(double, landmarks * 2 + 0.5) == pytest.approx(sharp, rel=0.2)
    assert measures.sharpness(np.full_like(grey, 99), landmarks) < 1e-3
    assert np.isnan(measures.sharpness(grey, landmarks + 1000))


@pytest.mark.parametrize(
    ("thresholds", "reason", "detail"),
    [
        ({"min_face_px": 81}, "small_face", "face_px is 80, quality.min_face_px is 81"),
        ({"max_yaw_deg": 20}, "pose_range", "yaw_deg is 25, quality.max_yaw_deg is 20"),
        ({"max_pitch_deg": 3}, "pose_range", "pitch_deg is 4, quality.max_pitch_deg is 3"),
        ({"max_roll_deg": 10}, "pose_range", "roll_deg is 12, quality.max_roll_deg is 10"),
        ({"min_sharpness": 1e9}, "blurred", None),
        ({"max_miss_rate": 0.03}, "occluded", "miss_rate is 0.04, quality.max_miss_rate is 0.03"),
        ({"max_cuts": 0}, "scene_cuts", "cuts is 1, quality.max_cuts is 0"),
        ({"max_faces": 1}, "several_faces", "faces is 2, quality.max_faces is 1"),
        ({"min_loudness_db": -1}, "silent", None),
        (
            {"max_faces": 1, "max_yaw_deg": 20, "max_roll_deg": 10},
            "several_faces",
            "faces is 2, quality.max_faces is 1; yaw_deg is 25, quality.max_yaw_deg is 20; "
            "roll_deg is 12, quality.max_roll_deg is 10",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_clip_beyond_a_threshold_is_dropped_and_keeps_its_numbers(mine, thresholds, reason, detail):
    record = measured(mine, **thresholds)
    assert (record.reason, record.lost_at) == (reason, "quality")
    assert detail in (None, record.detail)
    assert record.numbers == measured(mine).numbers


@pytest.mark.parametrize("late_frames", [-3, 3])
def test_an_offset_is_bounded_to_both_sides(mine, late_frames):
    write(mine, landmarks=face(late_frames))
    assert measured(mine, max_av_offset_frames=2).reason == "out_of_sync"
    assert measured(mine, max_av_offset_frames=3).kept


def test_lips_that_do_not_go_with_the_sound_are_out_of_sync(mine):
    write(mine, landmarks=face(late_frames=40))
    record = measured(mine, min_av_corr=0.5)
    assert (record.reason, record.numbers["av_corr"] < 0.3) == ("out_of_sync", True)


def test_a_clip_at_its_thresholds_is_kept(mine):
    assert measured(mine, min_face_px=80, max_miss_rate=0.04, max_cuts=1, max_faces=2).kept


def test_a_corpus_may_have_thresholds_of_its_own(tmp_path):
    corpus = {"reader": "folder", "source": "v", "shards": 1, "split": {"val": 0, "test": 0, "seed": 1}}
    both = settings(corpora={"mine": {**corpus, "quality": {"max_yaw_deg": 30}}}, quality={"max_roll_deg": 40})
    own = both.section("quality", "mine")
    assert (own.max_yaw_deg, own.max_roll_deg) == (30, 40)
    assert both.section("quality", "theirs").max_yaw_deg is None


def test_syncnets_threshold_needs_syncnet():
    with pytest.raises(SettingsError, match="min_sync_confidence is set but syncnet is false"):
        settings(quality={"min_sync_confidence": 3})


def test_syncnet_without_its_weights_is_one_sentence(mine, capsys, monkeypatch):
    monkeypatch.chdir(mine.folder)
    assert mine.with_settings(quality={"syncnet": True}).run("quality") == 2
    assert "quality.syncnet needs weights: run `tavce fetch syncnet_v2`" in capsys.readouterr().err


def test_records_of_another_sheet_are_refused(mine, capsys):
    write_lines(mine.records_path("detect"), [])
    assert mine.run("quality") == 2
    assert "detect/0000.jsonl is not of the shard's sheet: rerun detect" in capsys.readouterr().err


def test_the_mel_begins_with_the_crop(mine):
    mine.run_all("quality", "mel")
    with store.open_shard(mine.h5("mel")) as mels:
        found = mels["clip"]["mel"][:]
    np.testing.assert_array_equal(found, log_mel(sound()[6400:].astype(np.float32) / 32768))
    assert mine.records("mel")["clip"].numbers == {"mel_steps": 1 + FRAMES * RATE // 200}


def test_a_mel_ends_with_the_crop_too(mine):
    write(mine, wave=np.concatenate([sound(), sound()]))
    mine.run_all("quality", "mel")
    assert mine.records("mel")["clip"].numbers == {"mel_steps": 1 + FRAMES * RATE // 200}
