"""Facts about what other methods are given: a portrait and a sound of every test clip, and nothing of others."""

import wave

import cv2
import numpy as np
import pytest
from tiny_corpus import FRAMES, tiny_settings

from tavce.cli import main
from tavce.methods.given import clip_sound
from tavce.methods.inputs import COLUMNS


def write_inputs(tiny, out, dataset=None) -> int:
    sections = tiny_settings().sections("inputs")
    results = ["--results", str(tiny.root.parent), "--dataset", dataset or tiny.root.name]
    return main(["inputs", "--settings", sections, *results, "--out", str(out)])


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("inputs") / "new"
    assert write_inputs(tiny, out) == 0
    return out


def test_every_kept_test_clip_has_a_portrait_and_a_sound_and_a_line(folder):
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "clips.tsv", "d0/audio.wav", "d0/portrait.png", "e0/audio.wav", "e0/portrait.png"
    ]  # fmt: skip
    assert (folder / "clips.tsv").read_text().splitlines() == [
        COLUMNS,
        "d0\td0/portrait.png\td0/audio.wav\t40\t1.60\tdot",
        "e0\te0/portrait.png\te0/audio.wav\t40\t1.60\teve",
    ]


def test_the_portrait_is_the_crops_first_frame_at_the_size_of_the_tables(folder, tiny):
    picture = cv2.imread(str(folder / "d0/portrait.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(picture, tiny.clips().picture(tiny.entries("test")[0], 0, 32))


def test_the_sound_is_the_clips_own_and_lasts_exactly_as_long_as_its_frames(folder, tiny):
    with wave.open(str(folder / "d0/audio.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        heard = np.frombuffer(file.readframes(10**6), "<i2")
    assert len(heard) == FRAMES * 640
    np.testing.assert_array_equal(heard / 32768, clip_sound(tiny.entries("test")[0], 640))


def test_a_folder_that_the_command_wrote_is_written_again(folder, tiny):
    (folder / "e0/audio.wav").unlink()
    (folder / "notes.txt").write_text("mine")
    assert write_inputs(tiny, folder) == 0
    assert (folder / "e0/audio.wav").is_file()
    assert (folder / "notes.txt").read_text() == "mine"
    (folder / "notes.txt").unlink()


@pytest.mark.parametrize("name", ["notes.txt", "clips.tsv"])
def test_a_folder_of_somebody_elses_is_left_alone(tiny, tmp_path, capsys, name):
    (tmp_path / name).write_text("mine")
    assert write_inputs(tiny, tmp_path) == 2
    words = f"{tmp_path} holds files, and no clips.tsv of this command: name an empty folder with --out"
    assert words in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_in_the_folders_place_is_refused(tiny, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert write_inputs(tiny, tmp_path / "out") == 2
    assert f"{tmp_path / 'out'} is a file: name a folder with --out" in capsys.readouterr().err


def test_a_dataset_without_an_index_is_named(tiny, tmp_path, capsys):
    assert write_inputs(tiny, tmp_path / "out", dataset="nowhere") == 2
    assert "nowhere/index.parquet is not there: run the target `data`, or correct" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
