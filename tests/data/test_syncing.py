"""Facts about SyncNet's verdict on stored clips, with a network that tells what it was shown."""

from dataclasses import dataclass

import h5py
import numpy as np
import pytest
from coded_video import steady, tone, write_coded
from cut_clips import cut

from tavce.cutting import CutFormat, Span
from tavce.data.syncing import sync_numbers
from tavce.faces.sync_crop import sync_crops
from tavce.faces.syncnet import NotMeasured, SyncScore
from tavce.media import decode

FIRST, FRAMES, SCALE = 6, 12, 2.5


@dataclass
class Shown:
    """Keeps what it was shown."""

    answer: object
    frames: np.ndarray | None = None
    wave: np.ndarray | None = None

    def score(self, frames, wave):
        self.frames, self.wave = np.stack([*frames]), wave
        return self.answer


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    source = write_coded(folder / "a.mp4", steady(25, 30), tone(1.2))
    return cut(source, Span(0), CutFormat(25, 16_000, 10, "ultrafast")).video.getvalue()


def verdict(video: bytes, path, net):
    """Return the numbers of a clip, and the landmarks of its face in the source."""
    points = np.random.default_rng(0).uniform(40, 80, (FRAMES, 68, 2))
    with h5py.File(path, "w") as file:
        file["trim/video"] = np.frombuffer(video, np.uint8)
        crop = file.create_group("crop")
        crop["landmarks"] = (points * SCALE + (-30, 7)).astype(np.float32)
        crop.attrs.update(first_frame=FIRST, to_crop=f"{SCALE} 0.0 -30.0 0.0 {SCALE} 7.0")
        return sync_numbers(net, file["trim"], crop, np.arange(FRAMES * 640, dtype=np.int16)), points


def test_syncnet_sees_the_source_around_the_face_in_the_frames_of_the_crop(video, tmp_path):
    net = Shown(SyncScore(4.25, 7.5, -2))
    numbers, points = verdict(video, tmp_path / "clip.h5", net)
    source = [*decode_bytes(video, tmp_path)][FIRST : FIRST + FRAMES]
    np.testing.assert_array_equal(net.frames, np.stack([*sync_crops(source, points)]))
    assert len(net.wave) == FRAMES * 640
    assert numbers == {"sync_confidence": 4.25, "sync_distance": 7.5, "sync_offset_frames": -2}


def decode_bytes(video: bytes, folder):
    (folder / "v.mp4").write_bytes(video)
    return decode(folder / "v.mp4")


def test_a_clip_that_is_too_short_has_none_and_says_so(video, tmp_path):
    numbers, _ = verdict(video, tmp_path / "clip.h5", Shown(NotMeasured("fewer than 21 frames")))
    unknown = dict.fromkeys(("sync_confidence", "sync_distance", "sync_offset_frames"))
    assert numbers == {**unknown, "sync_note": "fewer than 21 frames"}


def test_without_syncnet_nothing_is_measured(video, tmp_path):
    numbers, _ = verdict(video, tmp_path / "clip.h5", None)
    assert [*numbers.values()] == [None] * 3
