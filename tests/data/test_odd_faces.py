"""Facts about clips whose faces do what faces should not, rendered here: through the real commands up to `quality`."""

import cv2
import numpy as np
import pytest
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.demo.movement import move
from tavce.demo.plan import VOICES
from tavce.demo.speakers import head_of
from tavce.demo.speech import articulation, speak
from tavce.media import VideoFormat, write_video

pytestmark = pytest.mark.slow

HALF, SAMPLES = 90, 640  # frames, samples a frame
WIDTH_PX, HEIGHT_PX = 480, 320
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=12, preset="ultrafast")
TEXT = "The old captain opened the window before the storm came over the mountain."


def heads(speaker: int, wave: np.ndarray) -> list[np.ndarray]:
    """Return pictures of a head that says a wave, uint8 [S, S, 3]."""
    return [
        head_of(speaker).frame(expression)[0] for expression in move(*articulation(wave), seed=speaker).expressions()
    ]


def scene(head: np.ndarray | None, left: int = 110, top: int = 40, side: int = 260, ground: int = 90) -> np.ndarray:
    """Return a picture with a head in it, which may reach out of it."""
    wide = np.full((HEIGHT_PX, 3 * WIDTH_PX, 3), ground, np.uint8)
    if head is not None:
        small = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
        wide[top : top + side, WIDTH_PX + left : WIDTH_PX + left + side] = small
    return wide[:, WIDTH_PX : 2 * WIDTH_PX]


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Pipeline:
    folder = tmp_path_factory.mktemp("odd")
    voice = speak(TEXT, VOICES[0], HALF / 25)[: HALF * SAMPLES]
    talks, listens = heads(0, voice)[:HALF], heads(1, np.zeros_like(voice))[:HALF]
    assert len(talks) == len(listens) == HALF
    talker, listener = [scene(head) for head in talks], [scene(head, ground=60) for head in listens]
    black, wall = scene(None, ground=0), scene(None)
    clips = {
        "then_talks": listener + talker,
        "then_listens": talker + listener,
        "black_between": talker[:70] + [black] * 12 + talker[:80],
        "blink_of_black": talker[:40] + [black] * 3 + talker[43:],
        "all_black": [black] * HALF,
        "wall": [wall] * HALF,
        "still": [talker[0]] * HALF,
        "leaves": [scene(head, 110 + max(0, 6 * (n - 65))) for n, head in enumerate(talks)],
        "far_away": [scene(head, 200, 100, 84) for head in talks],
        "talks": talker,
    }
    rows = []
    for name, frames in clips.items():
        wave = np.resize(voice, len(frames) * SAMPLES)
        write_video(folder / f"{name}.mp4", frames, wave, WRITE)
        rows.append(row(name, folder / f"{name}.mp4"))
    pipeline = Pipeline(folder, settings(trim={"preset": "ultrafast", "crf": 12}))
    pipeline.write_rows(*rows)
    pipeline.run_all("download", "trim", "detect", "crop", "quality")
    return pipeline


def part(pipeline: Pipeline, name: str) -> tuple[int, int]:
    """Return where the part of a clip begins in which its face was followed, and how many frames it has."""
    numbers = pipeline.records("detect")[name].numbers
    return numbers["first_frame"], numbers["frames"]


@pytest.mark.parametrize(("name", "first"), [("then_talks", HALF), ("then_listens", 0)])
def test_of_two_speakers_with_a_cut_between_the_one_who_talks_is_kept(odd, name, first):
    numbers = odd.records("detect")[name].numbers
    assert part(odd, name) == (first, HALF)
    assert (numbers["tracks"], numbers["cuts"]) == (2, 1)
    assert numbers["talker_corr"] > 0.5
    with store.open_shard(odd.h5("crop")) as file:
        assert file[name].attrs["first_frame"] == first
        assert len(file[name]["offsets"]) == HALF + 1


@pytest.mark.parametrize("name", ["all_black", "wall"])
def test_pictures_without_a_face_are_dropped(odd, name):
    assert odd.records("detect")[name].reason == "no_face"
    assert odd.records("detect")[name].detail == f"no face in any 6 of {HALF} frames"


def test_black_frames_part_a_clip_and_the_better_part_is_kept(odd):
    first, frames = part(odd, "black_between")
    assert (first, frames) in ((0, 70), (82, 80))
    assert odd.records("detect")["black_between"].numbers["cuts"] == 2


def test_a_clip_whose_parts_are_too_short_is_dropped_with_how_long_they_are(odd):
    record = odd.records("detect")["blink_of_black"]
    assert (record.reason, record.lost_at) == ("face_lost", "detect")
    assert record.detail == ("no face for longer than 47 of 90 frames, trim.min_frames is 64; 2 tracks, 2 cuts")


def test_a_still_picture_with_a_voice_is_no_talking_head(odd):
    assert odd.records("detect")["still"].numbers["talker_corr"] is None
    record = odd.records("quality")["still"]
    assert (record.reason, record.numbers["mouth_motion"] < 0.004) == ("still", True)
    assert record.detail.endswith("quality.min_mouth_motion is 0.005")


def test_a_face_that_leaves_the_picture_is_kept_while_it_is_there(odd):
    first, frames = part(odd, "leaves")
    assert first == 0
    assert 64 < frames <= HALF
    cropped = odd.records("crop")["leaves"]
    assert (cropped.reason, cropped.numbers["first_frame"]) == (None, 0)
    assert 64 < cropped.numbers["frames"] < HALF


def test_a_face_of_47_pixels_is_followed_as_a_large_one(odd):
    far, near = (odd.records("detect")[name].numbers for name in ("far_away", "talks"))
    assert far["face_px"] == pytest.approx(near["face_px"] * 84 / 260, rel=0.05)
    assert far["miss_rate"] == near["miss_rate"] == 0
    assert far["talker_corr"] == pytest.approx(near["talker_corr"], abs=0.1)
