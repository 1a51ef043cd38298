"""Facts about what is measured anew and what is kept: cheap groups on the miniature dataset."""

import shutil
from typing import ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from talking_portrait import FRAMES, Corpus

from tavce.dataset import read_index
from tavce.measure import drawn, scoring
from tavce.measure.groups import Setup
from tavce.measure.kept import Kept
from tavce.measure.landmark_distance import LandmarkGroup
from tavce.measure.landmarks import detect_landmarks
from tavce.measure.measurements import MeasurementError, Measurements
from tavce.measure.score import Job
from tavce.measure.scoring import Scorer, Task, score_all
from tavce.records import read_records


class Brightness:
    """The mean grey of the first frame; its curve and its feature are made up of it."""

    name: ClassVar[str] = "image"
    metrics: ClassVar[tuple[str, ...]] = ("psnr", "fid")
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        self._settings = setup.settings

    def depends(self) -> object:
        return self._settings.min_frames

    def measure(self, clip, measured: Measurements) -> None:
        grey = float(clip.frames[0].mean())
        measured.take("psnr", lambda: grey)
        measured.curves["opening"] = np.full(2, grey, np.float32)
        measured.features |= {"fid.made": np.full((3, 2), grey), "fid.real": np.zeros((3, 2))}


class Length:
    """How many frames there are; it refuses clips named `b`."""

    name: ClassVar[str] = "length"
    metrics: ClassVar[tuple[str, ...]] = ("frames",)
    version: ClassVar[int] = 1

    def __init__(self, setup: Setup):
        pass

    def depends(self) -> object:
        return None

    def measure(self, clip, measured: Measurements) -> None:
        measured.take("frames", lambda: _refuse() if clip.clip_id == "b" else len(clip.frames))


class NewerLength(Length):
    version: ClassVar[int] = 2


def _refuse() -> float:
    raise MeasurementError("it is called b")


@pytest.fixture
def place(corpus, tmp_path) -> Corpus:
    """A copy of the dataset that a test may change."""
    shutil.copytree(corpus.root / "synthesise", tmp_path / "synthesise")
    return Corpus(tmp_path)


def tasks(place: Corpus, corpus: Corpus) -> list[Task]:
    index = {entry.clip_id: entry for entry in read_index([corpus.root / "toy/index.parquet"])}
    job = Job("toy", "copy", place.root / "synthesise/toy/copy", index)
    return job.tasks(read_records(place.root / "synthesise/toy/copy.jsonl"))


def scorer(place: Corpus, *kinds, **changes) -> Scorer:
    setup = Setup.of(place.settings, None)
    settings = setup.settings.model_copy(update=changes)
    return Scorer(
        Setup(**{**vars(setup), "settings": settings}), Kept(place.root / "kept"), Kept(place.root / "real"), kinds
    )


def fresh(place: Corpus, corpus: Corpus, *kinds, **changes) -> list[tuple[str, ...]]:
    """Return what is measured now of the clips a and b."""
    return [scored.new for scored in score_all(scorer(place, *kinds, **changes), tasks(place, corpus), 1)]


def test_what_was_measured_is_not_measured_again(place, corpus):
    assert fresh(place, corpus, Brightness, Length) == [("image", "length")] * 2
    assert fresh(place, corpus, Brightness, Length) == [()] * 2


def test_a_newer_version_a_changed_setting_and_a_new_group_cost_their_own_work_only(place, corpus):
    assert fresh(place, corpus, Brightness) == [("image",)] * 2
    assert fresh(place, corpus, Brightness, Length) == [("length",)] * 2
    assert fresh(place, corpus, Brightness, NewerLength) == [("length",)] * 2
    assert fresh(place, corpus, Brightness, NewerLength, min_frames=7) == [("image",)] * 2


def test_a_changed_video_is_measured_anew_and_so_is_the_clip_that_it_lends_its_sound(place, corpus):
    many = tasks(place, corpus)
    list(score_all(scorer(place, Length), many, 1))
    with open(many[0].video, "ab") as file:
        file.write(b"\0" * 8)
    assert [scored.new for scored in score_all(scorer(place, Length), many, 1)] == [("length",)] * 2
    assert [scored.new for scored in score_all(scorer(place, Length), many, 1)] == [()] * 2


class Distance(LandmarkGroup):
    """How far the faces are apart, whatever was kept of the generated ones."""

    version: ClassVar[int] = 99


def test_the_faces_of_real_videos_are_found_once_for_all_methods(place, corpus, monkeypatch):
    found = []

    def look(frames: list[np.ndarray]) -> np.ndarray:
        found.append(len(frames))
        return detect_landmarks(frames)

    monkeypatch.setattr(scoring, "detect_landmarks", look)
    first = list(score_all(scorer(place, LandmarkGroup), tasks(place, corpus), 1))
    second = list(score_all(scorer(place, Distance), tasks(place, corpus), 1))
    assert found == [FRAMES] * 2
    assert [one.measured.metrics for one in first] == [other.measured.metrics for other in second]


def test_kept_results_are_those_that_were_measured(place, corpus):
    first, second = (list(score_all(scorer(place, Brightness, Length), tasks(place, corpus), 1)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.video_sha256 == other.video_sha256
        assert one.measured.metrics == other.measured.metrics
        assert one.measured.reasons == other.measured.reasons
        np.testing.assert_array_equal(one.measured.curves["opening"], other.measured.curves["opening"])
        np.testing.assert_array_equal(one.measured.features["fid.made"], other.measured.features["fid.made"])
    assert second[0].measured.metrics["frames"] == FRAMES
    assert second[1].measured.reasons == {"frames": "it is called b"}


def test_a_kept_file_that_is_damaged_counts_as_none(place, corpus):
    fresh(place, corpus, Length)
    (place.root / "kept/a.npz").write_bytes(b"PK\3\4 cut off")
    assert fresh(place, corpus, Length) == [("length",), ()]


def test_a_video_that_cannot_be_read_is_the_reason_of_every_metric(place, corpus):
    (place.root / "synthesise/toy/copy/a.mp4").write_bytes(b"no video" * 100)
    measured = next(score_all(scorer(place, Brightness, Length), tasks(place, corpus), 1)).measured
    assert measured.metrics == {"psnr": None, "fid": None, "frames": None}
    assert {reason.split(":")[0] for reason in measured.reasons.values()} == {"not_a_video"}


@pytest.mark.slow
def test_several_processes_measure_what_one_does(place, corpus, monkeypatch):
    monkeypatch.setattr(scoring, "CLIPS_A_PROCESS", 1)
    one = list(score_all(scorer(place, Length), tasks(place, corpus), 1))
    shutil.rmtree(place.root / "kept")
    two = list(score_all(scorer(place, Length), tasks(place, corpus), 2))
    assert [scored.measured.metrics for scored in two] == [scored.measured.metrics for scored in one]
    assert [scored.new for scored in two] == [("length",)] * 2


def test_features_are_laid_end_to_end_with_the_clip_that_each_is_of(place, corpus, tmp_path):
    scored = score_all(scorer(place, Brightness), tasks(place, corpus), 1)
    scored = {task.entry.clip_id: result for task, result in zip(tasks(place, corpus), scored, strict=True)}
    drawn.write_features(tmp_path / "features.npz", scored)
    with np.load(tmp_path / "features.npz") as file:
        assert sorted(file.files) == ["fid.clips", "fid.made", "fid.real"]
        assert [*file["fid.clips"]] == ["a"] * 3 + ["b"] * 3
        assert file["fid.made"][3, 0] == pytest.approx(scored["b"].measured.metrics["psnr"], rel=1e-6)


def test_curves_that_a_clip_lacks_are_null(place, corpus, tmp_path):
    scored = {"a": next(score_all(scorer(place, Brightness), tasks(place, corpus), 1))}
    drawn.write_frames(tmp_path / "frames.parquet", scored, 25)
    (line,) = pq.read_table(tmp_path / "frames.parquet").to_pylist()
    assert (line["clip_id"], line["rate_hz"], line["similarity"], line["mouth"]) == ("a", 25, None, None)
    assert line["opening"] == pytest.approx([scored["a"].measured.metrics["psnr"]] * 2, rel=1e-6)
