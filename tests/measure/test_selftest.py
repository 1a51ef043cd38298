"""Facts about the stage selftest: the metrics pass on the miniature corpus, and a broken one does not."""

import argparse
import dataclasses

import numpy as np
import pytest
from talking_portrait import FRAMES, record

from tavce.cli import main
from tavce.files import read_json
from tavce.measure.clip import Clip, Sound
from tavce.measure.groups import Setup
from tavce.measure.image import ImageGroup
from tavce.measure.measurements import Measurements
from tavce.measure.metrics import METRIC
from tavce.measure.scoring import GROUPS
from tavce.measure.sync import LipsGroup
from tavce.records import InputError, Reason, write_lines
from tavce.selftest import stage
from tavce.selftest.checks import Check, check_all, some_frames, with_early_sound


@pytest.fixture(scope="module")
def options(corpus, tmp_path_factory) -> dict[str, str]:
    folder, given = tmp_path_factory.mktemp("selftest"), vars(corpus.arguments())
    wanted = {name: given[name] for name in ("settings", "index", "records", "videos", "dataset")}
    return wanted | {"json": str(folder / "toy.json"), "markdown": str(folder / "toy.md")}


@pytest.fixture(scope="module")
def said(options) -> dict:
    """The command itself."""
    assert main(["selftest", *(text for name, value in options.items() for text in (f"--{name}", value))]) == 0
    return read_json(options["json"])


def namespace(options, **changes) -> argparse.Namespace:
    return argparse.Namespace(**{**options, "clips": 4, "tavc": None, "threads": 1, **changes})


@pytest.fixture(scope="module")
def clips(options) -> list[Clip]:
    arguments = namespace(options)
    return stage.read_clips(arguments, Setup.of(arguments.settings, None))


def results(said: dict, metric: str) -> dict[str, bool | None]:
    return {check["what"]: check["passed"] for check in said["checks"] if check["metric"] == metric}


def test_the_metrics_of_the_repository_pass(said):
    assert said["passed"] is True
    assert said["clips"] == ["a", "b"]
    assert [check for check in said["checks"] if check["passed"] is False] == []


def test_every_metric_that_is_measured_is_in_the_checks_with_its_identity(said):
    assert {check["metric"] for check in said["checks"]} == {name for group in GROUPS for name in group.metrics}
    assert all(check["identity"] == METRIC[check["metric"]].identity for check in said["checks"])
    assert all((check["passed"] is None) == (check["reason"] is not None) for check in said["checks"])


def test_what_has_no_network_is_asked_in_full(said):
    spoilt = ["blur 0.5, 1, 1.5", "jpeg 60, 25, 8", "noise 5, 12, 25"]
    assert results(said, "psnr") == dict.fromkeys(["a clip beside itself", *spoilt], True)
    assert results(said, "ssim") == dict.fromkeys(["a clip beside itself", *spoilt], True)
    assert results(said, "cpbd") == dict.fromkeys(spoilt, True) | {spoilt[1]: None}
    assert results(said, "lmd_mouth") == results(said, "lmd_face") == {"a clip beside itself": True}
    assert results(said, "av_offset") == dict.fromkeys(["the sound 5 frames late", "the sound 3 frames early"], True)


def test_an_offset_moves_by_the_frames_that_the_sound_was_moved(said):
    moves = {check["expected"]: check["values"] for check in said["checks"] if check["metric"] == "av_offset"}
    assert moves == {"-5 in most clips": [-5, -5], "+3 in most clips": [3, 3]}


def test_the_checks_can_be_read(said, options):
    with open(options["markdown"], encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[0] == "# What the metrics give for known answers: toy, 2 clips"
    assert "| SSIM | a clip beside itself | 1 ± 1e-06 | 1, 1 | passed |" in lines
    assert len(lines) == 4 + len(said["checks"])


def test_sound_that_is_early_is_heard_before(clips):
    frames = FRAMES - 1
    clip = dataclasses.replace(clips[0], sound=Sound(np.repeat(np.arange(frames), 640).astype(np.float32)))
    clip.landmarks = None
    moved = with_early_sound(clip, 3).sound.wave
    assert moved[:640].max() == 3
    assert moved[-640:].max() == 2


def test_some_frames_are_spoilt_and_their_reference_is_not(clips):
    clip = some_frames(clips[0], "noise", 5)
    assert len(clip.frames) == len(clip.reference) == 8
    assert clip.reference[-1] is clips[0].reference[-1]
    assert 4 < np.std(clip.frames[-1].astype(float) - clip.reference[-1]) < 6


class Constant(ImageGroup):
    """Gives the same numbers whatever it is shown."""

    def measure(self, clip: Clip, measured: Measurements) -> None:
        for name in self.metrics:
            measured.take(name, lambda: 0.5)


class Deaf(LipsGroup):
    """Finds no offset whatever it hears."""

    def measure(self, clip: Clip, measured: Measurements) -> None:
        for name in self.metrics:
            measured.take(name, lambda: 0)


class Upside(ImageGroup):
    """Takes a low SSIM for a good one."""

    def measure(self, clip: Clip, measured: Measurements) -> None:
        super().measure(clip, measured)
        measured.metrics["ssim"] = 1 - measured.metrics["ssim"]


class Contrasts:
    """A pooled metric: the contrast of every frame's rows, as features of a Fréchet distance."""

    name, metrics, version = "contrasts", ("fd_mobilenetv2",), 1

    def __init__(self, _: Setup):
        pass

    def measure(self, clip: Clip, measured: Measurements) -> None:
        for which, frames in (("made", clip.frames), ("real", clip.reference)):
            features = [np.abs(np.diff(frame[::16, :, 1].astype(float))).mean(axis=1) for frame in frames]
            measured.features[f"fd_mobilenetv2.{which}"] = np.float32(features)


class Likeness:
    """Compares every frame with the first real one, as CSIM does; a talking face differs from its first frame."""

    name, metrics, version = "likeness", ("csim",), 1

    def __init__(self, _: Setup):
        pass

    def measure(self, clip: Clip, measured: Measurements) -> None:
        first = clip.reference[0].astype(float)
        apart = np.mean([np.abs(frame - first).mean() for frame in clip.frames])
        measured.take("csim", lambda: 1 - apart / 255)


class Unweighted(Contrasts):
    """The same without its weights."""

    def measure(self, clip: Clip, measured: Measurements) -> None:
        measured.reasons["fd_mobilenetv2"] = "the weights mobilenetv2 are not there"


def test_what_compares_with_the_first_frame_is_asked_about_that_frame_held(clips):
    (check,) = check_all([Likeness(None)], clips)
    assert (check.what, check.values, check.passed) == ("the first frame, held", [1, 1], True)
    given = Measurements()
    Likeness(None).measure(clips[0], given)
    assert given.metrics["csim"] < 1 - 1e-3  # a clip beside itself would fail


def test_an_offset_that_would_move_beyond_those_looked_for_is_not_asked(clips):
    near = [
        dataclasses.replace(clip, settings=clip.settings.model_copy(update={"max_lag_frames": 2})) for clip in clips
    ]
    checks = check_all([LipsGroup(argparse.Namespace(settings=near[0].settings))], near)
    found = [check for check in checks if check.metric == "av_offset"]
    assert [(check.values, check.passed) for check in found] == [([None, None], None)] * 2
    assert found[0].reason == "no clip's offset can move so far within 2"


def test_a_pooled_metric_is_asked_about_all_clips_together(clips):
    own, blur, _, noise = check_all([Contrasts(None)], clips)
    assert own.values == [pytest.approx(0, abs=1e-3)]
    assert [check.passed for check in (own, blur, noise)] == [True] * 3
    assert len(blur.values) == 4
    assert blur.values == sorted(blur.values)


def test_a_pooled_metric_without_weights_neither_passes_nor_fails(clips):
    checks = check_all([Unweighted(None)], clips[:1])
    assert {(check.passed, check.reason) for check in checks} == {(None, "the weights mobilenetv2 are not there")}


def failed(kind: type, clips: list[Clip], options: dict[str, str]) -> set[tuple[str, str]]:
    checks = check_all([kind(Setup.of(options["settings"], None))], clips[:1])
    return {(check.metric, check.what.split(" ")[0]) for check in checks if check.passed is False}


def test_a_metric_that_always_says_the_same_fails(clips, options):
    spoilt = {(name, how) for name in ("psnr", "ssim", "cpbd") for how in ("blur", "jpeg", "noise")}
    assert failed(Constant, clips, options) == {("psnr", "a"), ("ssim", "a")} | spoilt - {("cpbd", "jpeg")}


def test_an_offset_that_does_not_move_fails(clips, options):
    assert failed(Deaf, clips, options) == {("av_offset", "the")}


def test_a_metric_that_goes_the_wrong_way_fails(clips, options):
    assert failed(Upside, clips, options) == {("ssim", how) for how in ("a", "blur", "jpeg", "noise")}


def test_what_failed_is_told_once_it_is_written(options, tmp_path):
    arguments = namespace(options, clips=1, json=str(tmp_path / "toy.json"), markdown=str(tmp_path / "toy.md"))
    with pytest.raises(SystemExit, match=r"tavce selftest: toy: PSNR with a clip beside itself gave 0\.5, expected: ∞"):
        stage.run(arguments, [Constant])
    assert read_json(tmp_path / "toy.json")["passed"] is False
    assert "| **failed** |" in (tmp_path / "toy.md").read_text()


def test_a_metric_without_a_number_neither_passes_nor_fails(clips, options):
    """Its reason is that of the first clip: no weights, no sound."""
    silent = [dataclasses.replace(clips[0], sound=Sound(None, "there is no sound"))]
    silent[0].landmarks = clips[0].landmarks
    checks = check_all([LipsGroup(Setup.of(options["settings"], None))], silent)
    offsets = [check for check in checks if check.metric == "av_offset"]
    assert [(check.passed, check.reason) for check in offsets] == [(None, "there is no sound")] * 2


def test_a_check_without_a_number_is_written_as_null():
    assert Check("ssim", "what", "1", [None, np.float64(1)], None, "why").line()["values"] == [None, 1.0]


def test_no_kept_clip_is_refused(options, tmp_path):
    write_lines(tmp_path / "none.jsonl", [record("c", Reason.NO_FACE)])
    with pytest.raises(InputError, match="has no kept clip to ask metrics about"):
        stage.run(namespace(options, records=str(tmp_path / "none.jsonl")))


def test_a_clip_that_the_index_lacks_is_refused(options, tmp_path):
    write_lines(tmp_path / "z.jsonl", [record("z")])
    with pytest.raises(InputError, match="z is not in the index of toy: rerun the stage index"):
        stage.run(namespace(options, records=str(tmp_path / "z.jsonl")))


def test_a_video_that_is_not_there_is_refused(options, tmp_path):
    with pytest.raises(InputError, match=r"a\.mp4 is not there: rerun synthesise for ground_truth"):
        stage.run(namespace(options, videos=str(tmp_path)))
