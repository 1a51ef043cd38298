"""Facts about `tavce animate`: what it makes of a portrait and a speech, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from coded_video import ffmpeg
from talking_model import write_model

from tavce import animate as package
from tavce import media
from tavce.animate import Animation, animate, api
from tavce.animate.options import Options, choose_device, read_options
from tavce.cli import main
from tavce.config.explain import SettingsError
from tavce.demo.portrait import load_portrait
from tavce.files import sha256
from tavce.generator import bundle
from tavce.records import InputError
from tavce.training import checkpoint

FRAMES = 12
SILENT_FRAMES = 25
EARLY = 19  # a seed with a blink in the first second
SIDE = 32


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a portrait, two speeches and a model."""
    folder = tmp_path_factory.mktemp("animate")
    write_model(folder / "tiny.pt")
    cv2.imwrite(str(folder / "face.png"), load_portrait().picture[:300, 80:380, ::-1])
    sound = f"sine=frequency=300:sample_rate=44100:duration={FRAMES / 25 + 0.02}"
    ffmpeg("-f", "lavfi", "-i", sound, "-af", "tremolo=f=4:d=0.9", "-ac", "2", folder / "speech.mp3")
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", f"{SILENT_FRAMES / 25}", folder / "silence.wav")
    return folder


def make(place: Path, out: Path, speech: str = "speech.mp3", **options: object) -> Animation:
    said = {"device": "cpu", "threads": 1, **options}
    return animate(place / "face.png", place / speech, out, model=place / "tiny.pt", **said)


def frames_of(path: Path) -> np.ndarray:
    return np.stack([*media.decode(path)]).astype(int)


def command(place: Path, target: Path, *more: str, **files: Path) -> list[str]:
    paths = {"portrait": place / "face.png", "audio": place / "speech.mp3", "model": place / "tiny.pt", "out": target}
    named = [word for name, path in (paths | files).items() for word in (f"--{name}", str(path))]
    return ["animate", *named, "--device", "cpu", *more]


@pytest.fixture(scope="module")
def talk(place) -> Animation:
    """The portrait, as it speaks without further options."""
    return make(place, place / "talk.mp4")


def test_the_video_has_a_frame_for_every_25th_of_a_second_of_the_speech_and_its_sound(talk):
    assert (talk.frames, talk.seconds, talk.faces, talk.model) == (FRAMES, FRAMES / 25, 1, "tiny")
    assert frames_of(talk.path).shape == (FRAMES, SIDE, SIDE, 3)
    with av.open(str(talk.path)) as container:
        sound = container.streams.audio[0]
        assert (sound.rate, sound.channels, float(sound.duration * sound.time_base)) == (44_100, 2, talk.seconds)


def test_the_picture_changes(talk):
    assert len({frame.tobytes() for frame in frames_of(talk.path)}) > FRAMES / 2


def test_the_video_says_that_it_is_synthetic_and_which_model_made_it(talk, place):
    with av.open(str(talk.path)) as container:
        assert container.metadata["comment"] == talk.note
    assert talk.note.startswith("synthetic: tiny ")
    assert bundle.load(place / "tiny.pt").digest in talk.note


def test_the_command_makes_the_same_file_as_the_function_byte_by_byte(place, talk, tmp_path):
    assert main(command(place, tmp_path / "talk.mp4", "--threads", "1")) == 0
    assert sha256(tmp_path / "talk.mp4") == sha256(talk.path)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]


def test_frames_do_not_depend_on_how_many_are_rendered_at_once(place, talk, tmp_path):
    alone = make(place, tmp_path / "alone.mp4", batch=1)  # the model says 7
    one, other = frames_of(alone.path), frames_of(talk.path)
    assert np.abs(one - other).mean() < 0.05 * np.abs(np.diff(one, axis=0)).mean()
    assert alone.note == talk.note


def test_another_seed_is_another_movement_and_another_note(place, talk, tmp_path):
    other = make(place, tmp_path / "other.mp4", seed=3)
    assert np.abs(frames_of(other.path) - frames_of(talk.path)).mean() > 0.5
    assert other.note != talk.note


@pytest.mark.parametrize(
    ("options", "moves"),
    [
        ({"pose": "still", "blink": "none"}, False),
        ({"pose": "predicted", "blink": "none"}, True),
        ({"pose": "still", "blink": "natural", "seed": EARLY}, True),
    ],
)
def test_where_nothing_is_said_only_the_pose_and_blinks_move_the_picture(place, tmp_path, caplog, options, moves):
    frames = frames_of(make(place, tmp_path / "quiet.mp4", "silence.wav", **options).path)
    assert len(frames) == SILENT_FRAMES
    assert (np.abs(frames - frames[0]).max() > 15) == moves
    assert "silence.wav is silent" in caplog.text


def test_a_face_that_is_pasted_back_gives_the_whole_picture(place, tmp_path):
    whole = make(place, tmp_path / "whole.mp4", paste_back=True)
    assert frames_of(whole.path).shape == (FRAMES, 300, 300, 3)


def test_a_video_may_be_the_speech_and_is_left_as_it_is(place, talk, tmp_path):
    before = sha256(talk.path)
    assert make(place, tmp_path / "again.mp4", "talk.mp4").frames == FRAMES
    assert sha256(talk.path) == before


def test_the_log_says_how_many_frames_a_second(place, tmp_path, caplog):
    caplog.set_level("INFO", "tavce.animate")
    make(place, tmp_path / "talk.mp4")
    assert f"talk.mp4: {FRAMES} frames in " in caplog.text
    assert "a second on cpu" in caplog.text


def test_the_callers_number_of_threads_comes_back(place, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    make(place, tmp_path / "talk.mp4", threads=1)
    now = torch.get_num_threads()
    torch.set_num_threads(before)
    assert now == 2


def test_a_video_that_is_there_is_replaced_only_by_a_finished_one(place, tmp_path):
    out = tmp_path / "talk.mp4"
    out.write_bytes(b"mine")
    with pytest.raises(InputError, match="style 2 "):
        make(place, out, style=2)
    assert out.read_bytes() == b"mine"
    make(place, out)
    assert len(frames_of(out)) == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]


@pytest.fixture(scope="module")
def bad(place) -> Path:
    """The folder, with files that cannot be used."""
    (place / "folder.mp4").mkdir()
    model = (place / "tiny.pt").read_bytes()
    (place / "cut.pt").write_bytes(model[: len(model) // 2])
    (place / "text.pt").write_text("no model", encoding="utf-8")
    torch.save({"state_dict": {"weight": torch.ones(2)}}, place / "other.pt")
    state = checkpoint.load(place / "tiny.pt")
    state["parts"]["audio2pose"]["networks"]["pose"]["scale"] = torch.ones(7)
    checkpoint.save(place / "wide.pt", state)
    (place / "short.pcm").write_bytes(bytes(400))
    ffmpeg("-f", "s16le", "-ar", "16000", "-ac", "1", "-i", place / "short.pcm", place / "short.wav")
    cv2.imwrite(str(place / "grey.png"), np.full((200, 200, 3), 128, np.uint8))
    return place


BAD_FILES = {
    "portrait": {
        "none.png": "none.png is not there: give a picture of a face",
        "folder.mp4": "folder.mp4 is a folder: give a picture of a face",
        "text.pt": "text.pt",
        "grey.png": "face",
    },
    "audio": {
        "none.wav": "none.wav is not there: give a file with speech",
        "face.png": "face.png has no audio stream that can be decoded: give a file with speech",
        "text.pt": "text.pt cannot be read as sound",
        "short.wav": "short.wav has 0.013 s of sound, less than one frame (0.04 s)",
    },
    "model": {
        "none.pt": "none.pt is not there: `make demo` makes results/models/ours.pt",
        "folder.mp4": "folder.mp4 is a folder",
        "cut.pt": "cut.pt cannot be read",
        "text.pt": "text.pt cannot be read",
        "other.pt": "other.pt is no talking-head model",
        "wide.pt": "model tiny has weights of other sizes than its settings: pack it anew",
    },
    "out": {
        "talk.avi": "talk.avi: the video is an mp4: let its name end in .mp4",
        "folder.mp4": "folder.mp4 is a folder: give the name of a file in it",
        "nowhere/talk.mp4": "is not there: make it first",
    },
}


@pytest.mark.parametrize(("option", "name"), [(option, name) for option, names in BAD_FILES.items() for name in names])
def test_a_file_that_cannot_be_used_is_one_sentence_and_ends_with_2(bad, tmp_path, capsys, option, name):
    assert main(command(bad, tmp_path / "talk.mp4", **{option: bad / name})) == 2
    said = capsys.readouterr().err.splitlines()
    sentence = next(line for line in said if line.startswith("tavce animate: "))
    assert BAD_FILES[option][name] in sentence
    assert said[-1] == sentence
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pose", "nod"), "setting 'pose' = 'nod': Input should be 'predicted' or 'still'"),
        (("--blink", "often"), "setting 'blink' = 'often'"),
        (("--style", "-1"), "setting 'style' = '-1': Input should be greater than or equal to 0"),
        (("--style", "2"), "style 2 "),
        (("--face", "7"), "face 7 "),
        (("--batch", "0"), "setting 'batch' = '0': Input should be greater than 0"),
        (("--threads", "two"), "setting 'threads' = 'two'"),
        (("--seed", "x"), "setting 'seed' = 'x'"),
        (("--device", "tpu"), "setting 'device' = 'tpu'"),
        (("--device", "cuda:99"), "device cuda:99 is not there, torch finds "),
    ],
)
def test_an_option_that_cannot_be_used_is_said_and_ends_with_2(place, tmp_path, capsys, words, said):
    assert main(command(place, tmp_path / "talk.mp4", *words)) == 2
    assert said in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_a_folder_in_which_nothing_can_be_written_is_refused(place, capsys):
    assert main(command(place, Path("/proc/talk.mp4"))) == 2
    assert "/proc/talk.mp4: nothing can be written to /proc (" in capsys.readouterr().err


def test_what_is_read_is_never_written_over(place, talk, tmp_path):
    copy = tmp_path / "talk.mp4"
    copy.write_bytes(talk.path.read_bytes())
    with pytest.raises(InputError, match=r"talk.mp4 is what is read, and would be lost"):
        animate(place / "face.png", copy, copy, model=place / "tiny.pt")


def test_a_gpu_that_is_too_small_is_said_with_the_remedy(place, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(api, "talk", full)
    with pytest.raises(InputError, match="batch 7 does not fit into the GPU's memory: give less"):
        make(place, tmp_path / "talk.mp4")
    monkeypatch.setattr(api, "networks_of", full)
    with pytest.raises(InputError, match="model tiny does not fit into the memory of cpu: give `cpu`"):
        make(place, tmp_path / "talk.mp4")
    assert [*tmp_path.iterdir()] == []


def test_another_failure_of_the_networks_is_not_swallowed(place, tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(api, "networks_of", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        make(place, tmp_path / "talk.mp4")


def test_a_disk_that_ffmpeg_cannot_write_to_is_said_in_words(place, tmp_path, monkeypatch):
    monkeypatch.setattr(media, "ffmpeg_path", lambda: "/bin/false")
    with pytest.raises(InputError, match=r"talk.mp4 cannot be written: "):
        make(place, tmp_path / "talk.mp4")
    assert [*tmp_path.iterdir()] == []


def test_a_misspelt_option_of_the_function_is_named_with_the_nearest():
    with pytest.raises(SettingsError, match="unknown setting 'poze': did you mean 'pose'"):
        read_options({"poze": "still"})


def test_the_options_digest_is_of_what_is_seen():
    seen = Options(pose="still", seed=1)
    assert seen.digest == Options(pose="still", seed=1, batch=3, threads=2, device="cpu").digest
    assert seen.digest != Options(pose="still", seed=2).digest


def test_a_gpu_that_is_not_there_is_refused_and_auto_takes_what_there_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(InputError, match="device cuda is not there, torch finds 0 GPUs: give `cpu`"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == torch.device("cuda")
    assert choose_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="device cuda:2 is not there, torch finds 2 GPUs"):
        choose_device("cuda:2")


def test_the_package_gives_the_function_and_leaves_torch_alone_until_then():
    program = "import sys, tavce.animate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
    with pytest.raises(AttributeError, match="has no attribute 'animated'"):
        _ = package.animated
