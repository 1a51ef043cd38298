"""Facts about other methods' videos in a folder: which are found, copied, noted and lost; no clip is forgotten."""

import logging
from pathlib import Path

import pytest
from coded_video import ffmpeg
from their_videos import command, gathered, place, records_of
from tiny_corpus import FRAMES, TinyCorpus

from tavce.cli import main
from tavce.files import sha256
from tavce.records import Reason, read_records, write_lines


def gather(tiny: TinyCorpus, folder: Path) -> int:
    return main(command(tiny, folder, "--source", str(folder / "videos")))


@pytest.mark.parametrize("under", ["", "tiny__"])
def test_every_test_clip_has_a_record_and_its_video_byte_by_byte(tiny, made, tmp_path, under):
    place(tmp_path, **{f"{under}{name}": path for name, path in made.items()})
    assert gather(tiny, tmp_path) == 0
    assert gathered(tmp_path) == ["d0.mp4", "e0.mp4"]
    assert sha256(tmp_path / "out/theirs/d0.mp4") == sha256(made["d0"])
    records = records_of(tmp_path)
    assert [(record.clip_id, record.reason, record.lost_at) for record in records.values()] == [
        ("d0", None, None),
        ("e0", None, None),
        ("f0", Reason.NO_FACE, "detect"),
    ]
    assert {(record.stage, record.detail) for record in records.values()} == {("gather", "")}
    assert records["d0"].numbers.items() >= {"frames_found": FRAMES, "fps": 25, "sha256": sha256(made["d0"])}.items()


def test_a_missing_and_a_short_video_are_dropped_and_the_users_files_stay(tiny, made, tmp_path):
    ffmpeg("-i", made["d0"], "-frames:v", "20", tmp_path / "short.mp4")
    videos = place(tmp_path, d0=tmp_path / "short.mp4", f0=made["e0"])
    before = {path.name: sha256(path) for path in videos.iterdir()}
    assert gather(tiny, tmp_path) == 0
    assert gathered(tmp_path) == []
    records = records_of(tmp_path)
    assert (records["d0"].reason, records["d0"].lost_at) == (Reason.TOO_SHORT, "gather")
    assert "20 frames at 25 a second, the clip has 40" in records["d0"].detail
    assert (records["e0"].reason, records["e0"].detail) == (Reason.MISSING_FILE, f"{videos}/e0.mp4 is not there")
    assert {path.name: sha256(path) for path in videos.iterdir()} == before


def test_another_container_is_copied_under_the_name_that_is_expected(tiny, made, tmp_path):
    ffmpeg("-i", made["d0"], "-c", "copy", "-an", tmp_path / "d0.mkv")
    place(tmp_path, d0=tmp_path / "d0.mkv", e0=made["e0"])
    assert gather(tiny, tmp_path) == 0
    assert sha256(tmp_path / "out/theirs/d0.mp4") == sha256(tmp_path / "d0.mkv")
    record = records_of(tmp_path)["d0"]
    assert record.detail == "no sound: the clip's own is used"
    assert record.numbers["container"] == "matroska,webm"


def test_one_video_for_several_clips_is_noted_and_warned_of(tiny, made, tmp_path, caplog):
    place(tmp_path, d0=made["d0"], e0=made["d0"])
    assert gather(tiny, tmp_path) == 0
    records = records_of(tmp_path)
    assert (records["d0"].detail, records["d0"].numbers["same_as"]) == ("the same video as e0", "e0")
    assert (records["e0"].detail, records["e0"].numbers["same_as"]) == ("the same video as d0", "d0")
    assert "theirs has one and the same video for 2 clips: d0, e0" in caplog.text


def test_a_video_that_is_of_no_test_clip_is_named_with_the_nearest(tiny, made, tmp_path, caplog):
    place(tmp_path, d0=made["d0"], e0_out=made["e0"], wholly_else=made["e0"])
    with caplog.at_level(logging.WARNING):
        assert gather(tiny, tmp_path) == 0
    assert "2 of 3 videos in" in caplog.text
    assert "are named by no test clip: e0_out.mp4 (is it e0?), wholly_else.mp4" in caplog.text


def test_a_folder_without_a_test_clips_video_is_refused_with_what_was_found_and_wanted(tiny, made, tmp_path, capsys):
    place(tmp_path, **{f"x{number}": made["d0"] for number in range(5)})
    assert gather(tiny, tmp_path) == 2
    words = "named by a test clip of tiny: found x0.mp4, x1.mp4, x2.mp4 and 2 more; wanted d0.mp4, e0.mp4"
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out/theirs.jsonl").exists()


def test_a_folder_that_is_not_there_or_empty_is_refused(tiny, tmp_path, capsys):
    assert gather(tiny, tmp_path) == 2
    assert f"{tmp_path}/videos is not there: correct the folder of the videos" in capsys.readouterr().err
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/._d0.mp4").touch()
    assert gather(tiny, tmp_path) == 2
    assert "videos has no video (.mp4 .m4v .mov .mkv .webm .avi): put CLIP_ID.mp4" in capsys.readouterr().err


def test_two_files_of_the_same_clip_are_refused(tiny, made, tmp_path, capsys):
    videos = place(tmp_path, d0=made["d0"])
    (videos / "d0.MOV").touch()
    assert gather(tiny, tmp_path) == 2
    assert f"{videos}/d0.MOV and {videos}/d0.mp4 are of the same clip: leave one" in capsys.readouterr().err


def test_where_no_test_clip_is_left_no_video_is_wanted(tiny, tmp_path):
    lost = [record for record in read_records(tiny.fates) if not record.kept]
    write_lines(tmp_path / "fates.jsonl", lost)
    arguments = command(tiny, tmp_path, "--source", "nowhere")
    arguments[arguments.index("--fates") + 1] = str(tmp_path / "fates.jsonl")
    assert main(arguments) == 0
    assert (gathered(tmp_path), [*records_of(tmp_path)]) == ([], ["f0"])
