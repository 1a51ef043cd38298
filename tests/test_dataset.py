"""Facts about reading samples from shards."""

import pickle
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
import torch
from tiny_corpus import FRAMES, MEL_STEPS, MOUTH, SIDE, tiny_settings
from torch.utils.data import DataLoader

from tavce import shard_reader, store
from tavce.dataset import Clips, Draws, Entry, index_digest, mel_steps, order, read_index, to_unit
from tavce.faces.points import mouth_box, mouth_centre
from tavce.generator.samples import ExpressionDraws, FrameDraws, FrameShape, PoseDraws
from tavce.loading import DrawRange
from tavce.metric.pairs import PairDraws
from tavce.records import InputError

WINDOW = tiny_settings().window


def raw(path: str, clip_id: str, name: str) -> np.ndarray:
    """Return a stored array, read by nobody but h5py."""
    with h5py.File(path, "r") as file:
        return file[clip_id][name][:]


def test_the_index_is_read_whole_or_by_split(tiny):
    assert [entry.clip_id for entry in read_index([tiny.index])] == ["a0", "b0", "c0", "d0", "e0"]
    assert [entry.clip_id for entry in read_index([tiny.index], "test")] == ["d0", "e0"]
    assert len(read_index([tiny.index, tiny.index], "val")) == 2


def test_a_split_without_clips_is_refused(tiny):
    with pytest.raises(InputError, match=r"index.parquet: no clip of split nobody"):
        read_index([tiny.index], "nobody")


def test_the_digest_of_an_index_names_what_it_lists(tiny):
    assert index_digest([tiny.index]) == index_digest([tiny.index])
    assert index_digest([tiny.index]) != index_digest([tiny.index, tiny.index])


@pytest.mark.parametrize(("frame", "start"), [(0, -6), (1, -3), (2, 0), (3, 3), (4, 6), (5, 9), (7, 16), (27, 80)])
def test_a_window_starts_at_the_papers_mel_step(frame, start):
    steps = mel_steps(WINDOW, [frame], 1000)[0]
    np.testing.assert_array_equal(steps, np.clip(np.arange(start, start + 16), 0, None))


def test_a_window_is_clamped_at_the_end_of_the_clip():
    assert mel_steps(WINDOW, [39, 0], 129)[0].tolist() == [*range(118, 129), 128, 128, 128, 128, 128]


@pytest.mark.parametrize("frame", [0, 1, 20, FRAMES - 1])
def test_a_window_holds_the_stored_steps(tiny, frame):
    entry = tiny.entries()[0]
    stored = raw(entry.mel, entry.clip_id, "mel")
    start = int(80 * (frame - 2) / 25)
    expected = np.stack([stored[min(max(step, 0), MEL_STEPS - 1)] for step in range(start, start + 16)])
    np.testing.assert_array_equal(tiny.clips().mel(entry, frame), expected)


@pytest.mark.parametrize("size", [0.2, 1.0, 3.0])
def test_a_mouth_box_stays_inside_the_crop(size):
    random = np.random.default_rng(0)
    for _ in range(100):
        left, top = mouth_box(random.normal(SIDE / 2, SIDE * size, (68, 2)), 24, SIDE)
        assert 0 <= left <= SIDE - 24
        assert 0 <= top <= SIDE - 24


def test_a_mouth_box_is_centred_on_the_median_of_the_mouth(tiny):
    points = tiny.clips().landmarks(tiny.entries()[0])[5]
    x, y = mouth_centre(points)
    left, top = mouth_box(points, 24, SIDE)
    assert abs(left + 12 - x) <= 0.5
    assert abs(top + 12 - y) <= 0.5


def test_a_picture_is_the_stored_jpeg_in_rgb(tiny):
    entry = tiny.entries()[1]
    offsets = raw(entry.crop, entry.clip_id, "offsets")
    jpeg = raw(entry.crop, entry.clip_id, "frames")[offsets[9] : offsets[10]]
    expected = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(tiny.clips().picture(entry, 9, SIDE), expected)
    halved = tiny.clips().picture(entry, 9, SIDE // 2)
    means = expected.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - means).max() <= 0.5


def test_a_mouth_is_the_box_of_the_picture_enlarged_where_none_of_its_size_is_stored(tiny):
    entry, clips = tiny.entries()[2], tiny.clips()
    left, top = mouth_box(clips.landmarks(entry)[4], 20, SIDE)
    box = clips.picture(entry, 4, SIDE)[top : top + 20, left : left + 20]
    np.testing.assert_array_equal(clips.mouth(entry, 4, 20, 20), box)
    enlarged = cv2.resize(np.ascontiguousarray(box), (32, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(clips.mouth(entry, 4, 20, 32), enlarged)


def test_a_mouth_of_the_stored_size_is_the_stored_one(tiny):
    entry = tiny.entries()[1]
    offsets = raw(entry.crop, entry.clip_id, "mouth_offsets")
    jpeg = raw(entry.crop, entry.clip_id, "mouths")[offsets[9] : offsets[10]]
    expected = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(tiny.clips().mouth(entry, 9, MOUTH, MOUTH), expected)


def test_a_stored_mouth_shows_what_the_frame_shows_there(tiny, tmp_path):
    entry = tiny.entries()[1]
    bare = edited(entry, "crop", tmp_path, lambda file: file[entry.clip_id].attrs.__delitem__("mouth_px"))
    stored, cut = (tiny.clips().mouths(which, range(FRAMES), MOUTH, MOUTH).astype(float) for which in (entry, bare))
    assert np.abs(stored - cut).mean() < 6  # colours of frames are stored at half the resolution
    assert np.abs(stored.mean(axis=-1) - cut.mean(axis=-1)).mean() < 3
    aside = np.abs(stored[:, :, 1:] - cut[:, :, :-1]).mean()
    assert np.abs(stored - cut).mean() < aside


def test_mouths_of_several_frames_are_those_of_each(tiny):
    entry, frames = tiny.entries()[0], (7, 3, 7, 30)
    clips = tiny.clips()
    clips.mouth(entry, 3, MOUTH, 32)
    expected = [tiny.clips().mouth(entry, frame, MOUTH, 32) for frame in frames]
    np.testing.assert_array_equal(clips.mouths(entry, frames, MOUTH, 32), expected)


@pytest.mark.parametrize("frames", [(0, 1), (5, 8, 6), (2, 35), (39, 0, 20, 21)])
def test_windows_of_several_frames_are_those_of_each(tiny, frames):
    entry, clips = tiny.entries()[0], tiny.clips()
    np.testing.assert_array_equal(clips.mels(entry, frames), [clips.mel(entry, frame) for frame in frames])


def edited(entry: Entry, stage: str, folder: Path, edit: Callable[[h5py.File], object]) -> Entry:
    """Return the entry with a copy of one of its shards that was edited; its digest stays."""
    path = str(folder / f"{stage}.h5")
    shutil.copyfile(getattr(entry, stage), path)
    with h5py.File(path, "a") as file:
        edit(file)
    return replace(entry, **{stage: path})


def test_a_frame_without_landmarks_is_refused_where_landmarks_are_needed(tiny, tmp_path):
    entry = tiny.entries()[1]

    def lose(file: h5py.File) -> None:
        file[entry.clip_id]["landmarks"][7, 60] = np.nan

    lost = edited(entry, "crop", tmp_path, lose)
    words = r"clip b0: frame 7 has no landmarks in .*crop\.h5: rerun the stage crop"
    with pytest.raises(InputError, match=words):
        tiny.clips().landmarks(lost)
    with pytest.raises(InputError, match=words):
        tiny.clips().mouth(lost, 3, MOUTH - 2, 32)
    np.testing.assert_array_equal(tiny.clips().mouth(lost, 7, MOUTH, 32), tiny.clips().mouth(entry, 7, MOUTH, 32))


def test_an_index_of_an_older_version_is_refused(tiny, tmp_path):
    pq.write_table(pq.read_table(tiny.index).drop_columns("mel_digest"), tmp_path / "old.parquet")
    with pytest.raises(InputError, match=r"old\.parquet has no column mel_digest, .*: rerun the stage index"):
        read_index([tiny.index, str(tmp_path / "old.parquet")])


def test_a_picture_kept_in_memory_is_the_one_that_was_read(tiny):
    entry, clips = tiny.entries()[0], tiny.clips()
    np.testing.assert_array_equal(clips.picture(entry, 3, 32), clips.picture(entry, 3, 32))
    assert clips.crop_side(entry) == SIDE


def test_no_more_shards_are_open_than_allowed_and_every_one_can_be_read_again(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(shard_reader, "OPEN_FILES", 2)
    entry, clips = tiny.entries()[0], tiny.clips()
    copies = {stage: str(tmp_path / f"{stage}.h5") for stage in ("crop", "mel", "motion")}
    for stage, path in copies.items():
        shutil.copyfile(getattr(entry, stage), path)
    moved = replace(entry, **copies)
    for frame in range(3):
        np.testing.assert_array_equal(clips.picture(moved, frame, SIDE), tiny.clips().picture(entry, frame, SIDE))
        np.testing.assert_array_equal(clips.mel(moved, frame), tiny.clips().mel(entry, frame))
        np.testing.assert_array_equal(clips.motion(moved), tiny.clips().motion(entry))
        held = {file.path for file in psutil.Process().open_files()} & {*copies.values()}
        assert len(held) <= 2


def test_a_shard_of_another_format_is_refused(tiny, tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["format"] = store.FORMAT + 1
    with pytest.raises(InputError, match="rerun the stage that wrote it"):
        tiny.clips().motion(replace(tiny.entries()[0], motion=str(tmp_path / "old.h5")))


def test_bytes_become_unit_numbers_with_the_colours_first():
    pictures = np.zeros((2, 4, 4, 3), np.uint8)
    pictures[1, 2, 3] = (255, 51, 0)
    unit = to_unit(pictures)
    assert unit.shape == (2, 3, 4, 4)
    torch.testing.assert_close(unit[1, :, 2, 3], torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_pass_visits_each_clip_once(count):
    for number in range(5):
        assert sorted(order(2024, number, count)) == [*range(count)]


def test_passes_and_seeds_have_orders_of_their_own():
    orders = {tuple(order(seed, number, 20)) for seed in range(3) for number in range(3)}
    assert len(orders) == 9


def test_a_pass_of_draws_visits_each_clip_once(tiny):
    seen = []

    class Seen(Draws):
        def sample(self, entry, random):
            seen.append(entry.clip_id)
            return {}

    draws = Seen(tiny.entries(), tiny.clips(), 2024)
    for number in range(15):
        draws[number]
    assert [sorted(seen[start : start + 5]) for start in (0, 5, 10)] == [["a0", "b0", "c0", "d0", "e0"]] * 3


def test_draws_without_samples_of_their_own_are_a_bug(tiny):
    with pytest.raises(AssertionError, match="Draws makes no sample"):
        Draws(tiny.entries(), tiny.clips(), 0)[0]


def test_ranks_share_the_draws_of_every_step_without_overlap():
    shares = [[*DrawRange(3, 6, 4, rank, 3)] for rank in range(3)]
    for step in range(3):
        together = sorted(draw for share in shares for draw in share[step])
        assert together == [*range((3 + step) * 12, (4 + step) * 12)]
    counted = Counter(draw for share in shares for batch in share for draw in batch)
    assert set(counted.values()) == {1}


def test_a_range_that_starts_later_goes_on_where_the_earlier_one_would_be():
    assert [*DrawRange(0, 5, 2)][3:] == [*DrawRange(3, 5, 2)]
    assert len(DrawRange(3, 5, 2)) == 2


def pose_batches(tiny, workers: int, clips: Clips) -> list[dict[str, torch.Tensor]]:
    draws = PoseDraws(tiny.entries(), clips, {"ann": 1}, 16, 5)
    loader = DataLoader(draws, batch_sampler=DrawRange(0, 5, 3), num_workers=workers)
    return [*loader]


def test_loader_processes_bring_the_same_samples_as_none(tiny):
    clips = tiny.clips()
    alone = pose_batches(tiny, 0, clips)  # leaves the shard files open in this process
    torch.testing.assert_close(pose_batches(tiny, 2, clips), alone, atol=0, rtol=0)


def test_samples_lie_in_memory_as_loader_processes_hand_them_over(tiny):
    pairs = PairDraws(tiny.entries("train"), tiny.clips(), tiny_settings().metrics["paper"], 0)
    frames = FrameDraws(tiny.entries(), tiny.clips(), FrameShape(32, 27, 2, 24, 32), 0)
    poses = PoseDraws(tiny.entries(), tiny.clips(), {}, 16, 0)
    expressions = ExpressionDraws(tiny.entries(), tiny.clips(), 5, 0)
    for draws in (pairs, frames, poses, expressions):
        assert all(tensor.is_contiguous() for tensor in draws[0].values())


def test_a_reader_survives_pickling_with_files_open(tiny):
    clips, entry = tiny.clips(), tiny.entries()[0]
    clips.picture(entry, 0, 32)
    copied = pickle.loads(pickle.dumps(clips))
    np.testing.assert_array_equal(copied.picture(entry, 7, 32), clips.picture(entry, 7, 32))
    np.testing.assert_array_equal(copied.mel(entry, 7), clips.mel(entry, 7))
