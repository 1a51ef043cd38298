"""Facts about which files a partial rerun makes anew, and about what it refuses."""

import subprocess
from argparse import Namespace
from pathlib import Path

import pytest

from tavce.cli import main
from tavce.records import ClipRecord, Reason, Row, write_lines
from tavce.rerun.redo import choose


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch) -> Path:
    """Two datasets of two shards; in `mine`, b was too short for `trim`, and c has no face."""
    monkeypatch.chdir(tmp_path)
    for dataset, shard, videos in (("mine", "0000", "ab"), ("mine", "0001", "cd"), ("theirs", "0000", "ae")):
        folder = tmp_path / "results" / dataset
        clips = {"clip_id": "", "dataset": dataset, "split": "train", "speaker": "s"}
        rows = [Row(**{**clips, "clip_id": f"{v}_1", "video_id": f"{v}.mp4", "source": v}) for v in videos]
        write_lines(folder / "sheet" / f"{shard}.jsonl", rows)
        for stage, lost in (("download", {}), ("trim", {"b": "trim"}), ("detect", {"b": "trim", "c": "detect"})):
            reasons = {"trim": Reason.TOO_SHORT, "detect": Reason.NO_FACE}
            records = [
                ClipRecord(
                    **{**clips, "clip_id": f"{v}_1", "stage": stage, "version": 1},
                    lost_at=lost.get(v),
                    reason=reasons.get(lost.get(v)),
                )
                for v in videos
            ]
            write_lines(folder / stage / f"{shard}.jsonl", records)
    return tmp_path / "results"


@pytest.fixture
def told() -> list[str | None]:
    """The reason that each command's jobs are told of."""
    return []


@pytest.fixture
def started(monkeypatch, told) -> list[list[str]]:
    """The commands that are started."""
    commands = []

    def note(command, **options):
        commands.append(command)
        told.append(options["env"].get("TAVCE_RETRY_REASON"))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    return commands


def chosen(**wanted) -> tuple[list[str], list[str]]:
    """Return what is made anew, and up to where, without the common folder and suffix."""
    found = choose(Namespace(**{"video": None, "reason": None, "dataset": None, "stage": None, **wanted}))
    return tuple(
        [path.removeprefix("results/").removesuffix(".jsonl") for path in paths] for paths in (found.files, found.until)
    )


def test_a_video_is_every_stage_of_its_shard():
    assert chosen(video="c.mp4") == (["mine/download/0001"], ["mine/mel/0001", "mine/motion/0001"])


def test_a_video_of_two_datasets_is_a_shard_of_each_unless_one_is_named():
    assert chosen(video="a.mp4")[0] == ["mine/download/0000", "theirs/download/0000"]
    assert chosen(video="a.mp4", dataset="theirs")[0] == ["theirs/download/0000"]


def test_a_dataset_is_all_its_shards():
    assert chosen(dataset="mine", stage="crop") == (
        ["mine/crop/0000", "mine/crop/0001"],
        ["mine/mel/0000", "mine/motion/0000", "mine/mel/0001", "mine/motion/0001"],
    )


def test_nothing_of_a_shard_follows_its_last_stages():
    assert chosen(video="c.mp4", stage="mel") == (["mine/mel/0001"], ["mine/mel/0001"])


def test_a_reason_is_the_stage_that_dropped_and_no_other_that_tells_of_it():
    assert chosen(reason="too_short") == (["mine/trim/0000"], ["mine/trim/0000"])
    assert chosen(reason="no_face") == (["mine/detect/0001"], ["mine/detect/0001"])


def test_the_drops_of_a_reason_may_start_at_an_earlier_stage():
    assert chosen(reason="no_face", stage="trim") == (["mine/trim/0001"], ["mine/trim/0001"])


def test_snakemake_runs_up_to_the_files_made_anew_and_then_as_always(started):
    assert main(["redo", "--reason", "too_short", "--", "--cores", "2", "all"]) == 0
    file = "results/mine/trim/0000.jsonl"
    assert [command[3:] for command in started] == [
        ["--cores", "2", "all", "--forcerun", file, "--until", file, "--no-hooks"],
        ["--cores", "2", "all"],
    ]


def _lose(results: Path, reason: Reason) -> None:
    clip = {"clip_id": "d_1", "dataset": "mine", "split": "train", "speaker": "s", "version": 1}
    lost = ClipRecord(**clip, stage="download", reason=reason, lost_at="download")
    write_lines(results / "mine" / "download" / "0001.jsonl", [lost])


@pytest.mark.parametrize("option", ["--reason", "--retry-reason"])
def test_jobs_are_told_for_which_reason_alone_lost_videos_are_asked_for_again(results, started, told, option):
    _lose(results, Reason.RATE_LIMITED)
    assert main(["redo", option, "rate_limited", "--", "all"]) == 0
    assert started[0][3:5] == ["all", "--forcerun"]
    assert told == ["rate_limited", None]


def test_a_reason_of_another_stage_says_nothing_of_downloads(started, told):
    assert main(["redo", "--reason", "too_short", "--stage", "download", "--", "all"]) == 0
    assert told == [None, None]


def test_where_snakemake_fails_nothing_follows_and_its_status_is_the_commands(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 3))
    with pytest.raises(SystemExit) as caught:
        main(["redo", "--reason", "too_short", "--", "all"])
    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--video", "aa.mp4"], "video 'aa.mp4' is in no sheet: did you mean a.mp4 or "),
        (["--video", "?"], "video '?' is in no sheet\n"),
        (["--video", "e.mp4", "--dataset", "mine"], "video 'e.mp4' is in no sheet: did you mean "),
        (["--reason", "to_short"], "reason 'to_short' is none of too_short, "),
        (["--reason", "silent"], "no clip was dropped as silent by download, trim, detect, crop, quality, mel, motion"),
        (["--reason", "too_short", "--dataset", "theirs"], "no clip was dropped as too_short"),
        (["--dataset", "ours"], "dataset 'ours' is none of mine, theirs"),
        (["--stage", "crop"], "say what to do anew: --video, --reason or --dataset"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_starts_nothing(words, message, started, capsys):
    assert main(["redo", *words, "--", "all"]) == 2
    assert capsys.readouterr().err.startswith(f"tavce redo: {message}")
    assert started == []


@pytest.mark.parametrize("words", [["--video", "a.mp4"], ["--video", "a.mp4", "--reason", "silent", "--", "all"]])
def test_a_command_line_without_a_run_or_with_two_choices_is_refused(words, started, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["redo", *words])
    assert caught.value.code == 2
    assert "usage: tavce redo" in capsys.readouterr().err
    assert started == []


def test_where_nothing_ran_yet_it_says_so(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["redo", "--video", "a.mp4", "--", "all"]) == 2
    assert "results holds no sheet: run the pipeline first, in the folder it runs in" in capsys.readouterr().err
