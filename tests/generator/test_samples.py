"""Facts about what the generator's networks learn from."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_corpus import EXPRESSION, FRAMES, SIDE

from tavce.dataset import to_unit
from tavce.faces.points import mouth_box, mouth_opening
from tavce.generator.losses import eye_opening, mouth_boxes
from tavce.generator.samples import (
    ExpressionDraws,
    FrameDraws,
    FrameShape,
    PoseDraws,
    mel_windows,
    motion_window,
    still_window,
    unit_pictures,
)
from tavce.records import InputError

SHAPE = FrameShape(image_px=SIDE, window=27, spacing=2, mouth_px=24, input_px=32)


def row_of(row: torch.Tensor, table: np.ndarray) -> int:
    """Return which row of a table a row is."""
    distances = np.abs(table - row.numpy()).sum(axis=1)
    assert distances.min() < 1e-6
    return int(distances.argmin())


def clip_of(sample_row: torch.Tensor, tiny, columns: slice):
    """Return the clip and frame whose coefficients a row is."""
    clips = tiny.clips()
    for entry in tiny.entries():
        table = clips.motion(entry)[:, columns]
        if np.abs(table - sample_row.numpy()).sum(axis=1).min() < 1e-6:
            return entry, row_of(sample_row, table)
    raise AssertionError("no clip has these coefficients")


def test_an_expression_window_is_of_one_clip_with_its_sound_and_lids(tiny):
    draws, clips = ExpressionDraws(tiny.entries(), tiny.clips(), 5, 0), tiny.clips()
    for number in range(8):
        sample = draws[number]
        entry, start = clip_of(sample["expression"][0], tiny, slice(EXPRESSION))
        expression = clips.motion(entry)[:, :EXPRESSION]
        np.testing.assert_array_equal(sample["expression"], expression[start : start + 5])
        np.testing.assert_array_equal(sample["mels"][3, 0], clips.mel(entry, start + 3).T)
        lids = eye_opening(torch.from_numpy(clips.landmarks(entry)[start : start + 5]))
        torch.testing.assert_close(sample["blink"][:, 0], lids)
        assert 0 <= row_of(sample["reference"][0], expression) < FRAMES
        assert (sample["reference"] == sample["reference"][0]).all()


def test_a_pose_window_has_the_style_of_its_speaker_and_strangers_the_first(tiny):
    draws = PoseDraws(tiny.entries(), tiny.clips(), {"ann": 1, "bob": 2}, 16, 0)
    styles = {}
    for number in range(10):
        entry, start = clip_of(draws[number]["pose"][0], tiny, slice(EXPRESSION, None))
        styles[entry.speaker] = draws[number]["style"].item()
        pose = tiny.clips().motion(entry)[start : start + 16, EXPRESSION:]
        np.testing.assert_array_equal(draws[number]["pose"], pose)
    assert styles == {"ann": 1, "bob": 2, "cid": 0, "dot": 0, "eve": 0}


def test_a_frame_sample_is_two_frames_of_one_clip_and_the_real_one_before(tiny):
    draws, clips = FrameDraws(tiny.entries(), tiny.clips(), SHAPE, 0), tiny.clips()
    for number in range(8):
        sample = draws[number]
        entry, target = clip_of(sample["target_window"][:, 13], tiny, slice(None))
        source = row_of(sample["source_window"][:, 0], clips.motion(entry))
        for name, frame in (("source", source), ("target", target)):
            np.testing.assert_array_equal(sample[name], clips.picture(entry, frame, SIDE), err_msg=name)
        np.testing.assert_array_equal(sample["before"], clips.mouth(entry, target - 2, 24, 32))
        np.testing.assert_array_equal(sample["mels"][:, 0], mel_windows(clips, entry, [target - 2, target])[:, 0])
        box = (*mouth_box(clips.landmarks(entry)[target], 24, SIDE), 24)
        np.testing.assert_allclose(sample["target_box"] * SIDE, box)


def test_pictures_of_a_batch_become_floats_and_nothing_else_does():
    batch = {"target": torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8), "box": torch.ones(1, 3)}
    units = unit_pictures(batch)
    torch.testing.assert_close(units["target"], torch.tensor([0, 0.2, 1]).reshape(1, 3, 1, 1))
    assert units["box"] is batch["box"]
    assert unit_pictures(units)["target"] is units["target"]


def test_a_stored_mouth_is_what_a_picture_of_the_crops_size_shows_there_and_a_smaller_picture_gives_a_softer_one(tiny):
    clips, entry = tiny.clips(), tiny.entries()[0]
    differences = {}
    for side in (SIDE, SIDE // 2):
        draws = FrameDraws([entry], clips, replace(SHAPE, image_px=side), 0)
        shown = {frame: to_unit(clips.picture(entry, frame, side))[None] for frame in range(entry.frames)}
        for number in range(4):
            sample = draws[number]
            before = row_of(sample["target_window"][:, 13], clips.motion(entry)) - SHAPE.spacing
            corner = mouth_box(clips.landmarks(entry)[before], 24, SIDE)
            box = torch.tensor([[*corner, 24]], dtype=torch.float32) / SIDE
            cut = mouth_boxes(shown[before], box, SHAPE.input_px)
            mouth = unit_pictures({"before": sample["before"][None]})["before"]
            differences.setdefault(side, []).append(float((cut - mouth).abs().mean()))
    assert max(differences[SIDE]) < 4 / 255  # two JPEGs of the same drawing, which has sharp edges
    assert max(differences[SIDE // 2]) <= 0.5 / 255  # rounded to bytes


def test_targets_reach_every_frame_that_has_one_before(tiny):
    draws = FrameDraws(tiny.entries("val"), tiny.clips(), SHAPE, 0)
    motion = tiny.clips().motion(tiny.entries("val")[0])
    targets = {row_of(draws[number]["target_window"][:, 13], motion) for number in range(300)}
    assert targets == {*range(2, FRAMES)}


def test_a_motion_window_is_centred_and_repeats_the_ends():
    motion = np.arange(10, dtype=np.float32)[:, None]
    assert motion_window(motion, 5, 5).tolist() == [[3, 4, 5, 6, 7]]
    assert motion_window(motion, 0, 5).tolist() == [[0, 0, 0, 1, 2]]
    assert motion_window(motion, 9, 5).tolist() == [[7, 8, 9, 9, 9]]


def test_a_still_window_is_one_frame_throughout():
    assert still_window(np.array([1.0, 2.0]), 3).tolist() == [[1, 1, 1], [2, 2, 2]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda e, c: ExpressionDraws(e, c, 41, 0), "clip a0 has 40 frames, audio2exp.frames needs 41"),
        (lambda e, c: PoseDraws(e, c, {}, 48, 0), "clip a0 has 40 frames, audio2pose.frames needs 48"),
        (
            lambda e, c: FrameDraws(e, c, FrameShape(32, 27, 40, 24, 32), 0),
            "clip a0 has 40 frames, spacing of the metric needs 41",
        ),
    ],
)
def test_clips_too_short_to_draw_from_are_refused_with_the_setting_to_raise(tiny, make, words):
    with pytest.raises(InputError, match=f"{words}: raise trim.min_frames"):
        make(tiny.entries(), tiny.clips())


def test_the_corpus_in_miniature_opens_its_mouth_as_it_is_loud(tiny):
    clips = tiny.clips()
    for entry in tiny.entries():
        opening = mouth_opening(clips.landmarks(entry))
        loudness = np.array([clips.mel(entry, frame)[6, 0] for frame in range(FRAMES)])
        assert np.corrcoef(opening, loudness)[0, 1] > 0.5
