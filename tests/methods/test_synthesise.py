"""Facts about the test videos: as many frames as the clip, with its sound, from what each method may see."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tiny_corpus import FRAMES, TinyCorpus, tiny_settings
from tiny_runs import Workplace

from tavce import media
from tavce.cli import main
from tavce.files import digest, sha256
from tavce.methods.given import clip_sound
from tavce.methods.synthesise import GroundTruth, Static, Trained, choose
from tavce.records import InputError, Reason, read_records, write_lines

pytestmark = pytest.mark.slow

GENERATOR = ("renderer", "audio2exp", "audio2pose")


def command(tiny: TinyCorpus, folder: Path, method: str, *networks: str, **changes: object) -> list[str]:
    sections = tiny_settings(synthesise=changes).sections("synthesise")
    arguments = ["synthesise", "--settings", sections, "--method", method, "--index", tiny.index, "--fates", tiny.fates]
    arguments += ["--videos", str(folder / method), "--records", str(folder / f"{method}.jsonl")]
    return [*arguments, "--networks", *networks]


def networks(trained: Workplace, *stages: str) -> list[str]:
    return [trained.best(stage) for stage in stages]


def trained_method(trained: Workplace, **changes: object) -> Trained:
    settings = tiny_settings(synthesise=changes).synthesise
    return choose("ours", networks(trained, *GENERATOR, "metric"), tiny_settings().window, settings)


@pytest.fixture(scope="module")
def videos(tmp_path_factory, tiny, trained) -> Path:
    """The videos of three methods."""
    folder = tmp_path_factory.mktemp("synthesise")
    assert main(command(tiny, folder, "static")) == 0
    assert main(command(tiny, folder, "ground_truth")) == 0
    assert main(command(tiny, folder, "ours", *networks(trained, *GENERATOR, "metric"))) == 0
    return folder


def frames_of(videos: Path, method: str, clip_id: str = "d0") -> np.ndarray:
    return np.stack([*media.decode(videos / method / f"{clip_id}.mp4")]).astype(float)


@pytest.mark.parametrize("method", ["static", "ground_truth", "ours"])
def test_every_test_clip_has_a_video_of_its_length_and_the_tables_size(videos, method):
    assert sorted(path.name for path in (videos / method).iterdir()) == ["d0.mp4", "e0.mp4"]
    assert frames_of(videos, method).shape == (FRAMES, 32, 32, 3)


def test_every_test_clip_of_the_sheet_has_a_record_lost_ones_too(videos):
    records = read_records(videos / "ours.jsonl")
    assert [(record.clip_id, record.reason, record.lost_at) for record in records] == [
        ("d0", None, None),
        ("e0", None, None),
        ("f0", Reason.NO_FACE, "detect"),
    ]
    assert {record.stage for record in records} == {"synthesise"}


def test_a_dataset_without_a_test_clip_left_has_no_videos_but_all_records(tiny, tmp_path):
    lost = [record for record in read_records(tiny.fates) if not record.kept]
    write_lines(tmp_path / "fates.jsonl", lost)
    arguments = command(tiny, tmp_path, "static")
    arguments[arguments.index("--fates") + 1] = str(tmp_path / "fates.jsonl")
    assert main(arguments) == 0
    assert [*(tmp_path / "static").iterdir()] == []
    assert [record.clip_id for record in read_records(tmp_path / "static.jsonl")] == ["f0"]


@pytest.mark.parametrize("method", ["static", "ground_truth", "ours"])
def test_every_video_has_the_clips_own_sound(videos, tiny, method):
    sound = clip_sound(tiny.entries("test")[0], 640)
    heard = media.read_wave(videos / method / "d0.mp4", 16_000)
    loudness, expected = (np.abs(wave[: FRAMES * 640].reshape(FRAMES, 640)).mean(axis=1) for wave in (heard, sound))
    assert len(sound) == FRAMES * 640
    assert np.corrcoef(loudness, expected)[0, 1] > 0.95


def test_the_sound_of_a_video_begins_with_the_clips_first_frame(tiny):
    """The crop has the trimmed clip's frames from the tenth on."""
    entry = tiny.entries("test")[0]
    later = dataclasses.replace(entry, first_frame=10, frames=FRAMES - 15)
    np.testing.assert_array_equal(clip_sound(later, 640), clip_sound(entry, 640)[6400 : (FRAMES - 5) * 640])


def test_the_static_method_holds_the_first_frame(tiny):
    clips, entry = tiny.clips(), tiny.entries("test")[0]
    for frame in (shown := [*Static(clips, 32).frames(entry)]):
        np.testing.assert_array_equal(frame, clips.picture(entry, 0, 32))
    assert len(shown) == FRAMES


def test_the_ground_truth_is_the_clip_itself(tiny):
    clips, entry = tiny.clips(), tiny.entries("test")[0]
    for number, frame in enumerate(GroundTruth(clips, 32).frames(entry)):
        np.testing.assert_array_equal(frame, clips.picture(entry, number, 32))


def test_a_trained_variant_renders_every_frame_from_its_own_coefficients(videos, trained, tiny):
    painted = [*trained_method(trained).frames(tiny.entries("test")[0])]
    assert len(painted) == FRAMES
    assert painted[0].shape == (32, 32, 3)
    assert len({frame.tobytes() for frame in painted}) > FRAMES / 2


def test_a_clip_looks_the_same_whenever_it_is_made_and_otherwise_with_another_seed(trained, tiny):
    entry = tiny.entries("test")[0]
    first, again, other = (np.stack([*trained_method(trained, seed=s).frames(entry)]) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_generated_video_says_that_it_is_synthetic_and_what_made_it(videos, trained):
    settings = digest(tiny_settings().sections("synthesise"))
    for method, made_of in (("ours", [*GENERATOR, "metric"]), ("static", [])):
        model = digest([sha256(path) for path in networks(trained, *made_of)])
        words = f"synthetic: {method} {model}, settings {settings}".encode()
        assert words in (videos / method / "d0.mp4").read_bytes()
    assert b"synthetic" not in (videos / "ground_truth/d0.mp4").read_bytes()


@pytest.mark.parametrize("given", [(), ("renderer",), ("renderer", "audio2exp", "metric")])
def test_missing_networks_are_named(trained, given):
    missing = ", ".join(sorted({*GENERATOR} - {*given}))
    with pytest.raises(InputError, match=rf"method ours needs a best\.pt of {missing}: give it with --networks"):
        choose("ours", networks(trained, *given), tiny_settings().window, tiny_settings().synthesise)


def test_a_variant_with_attention_needs_the_metric(trained, tiny, capsys, tmp_path):
    assert main(command(tiny, tmp_path, "ours", *networks(trained, *GENERATOR))) == 2
    words = "method ours attends to the correlation: give the metric's best.pt with --networks"
    assert words in capsys.readouterr().err


def test_networks_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"checkpoint .*best\.pt is not there"):
        choose("ours", [str(tmp_path / "best.pt")], tiny_settings().window, tiny_settings().synthesise)
