import argparse
import dataclasses
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from packed import pack
from talking_portrait import FORMAT, FRAMES, Corpus, index_row, openings, record, spoken, talking_frames

from tavce import media
from tavce.cli import main
from tavce.dataset import Entry
from tavce.files import read_json, sha256
from tavce.measure import score
from tavce.measure.clip import read_reference
from tavce.measure.measurements import MeasurementError
from tavce.measure.metrics import METRICS
from tavce.measure.reading import read_sound
from tavce.measure.rows import read_scores
from tavce.records import InputError, write_lines
from tavce.store import Origin, create, open_shard

FETCH = "the weights syncnet_v2 are not there: .venv/bin/tavce fetch syncnet_v2"
LINE = index_row("a", Path())
ENTRY = Entry(**{field.name: LINE[field.name] for field in dataclasses.fields(Entry)})
NAMES = {metric.name for metric in METRICS if not metric.pooled}


@pytest.fixture(scope="module")
def scored(corpus):
    """The command itself, run on the method `copy`."""
    given = vars(corpus.arguments())
    given = {name: value for name, value in given.items() if value is not None}
    flags = [text for name, value in given.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["score", *flags]) == 0
    return read_scores(given["scores"]), read_json(given["run_json"])


def write_method(corpus: Corpus, method: str, frames: dict[str, list[np.ndarray]], waves=None) -> argparse.Namespace:
    """Write a method's videos and records; return the arguments that score it."""
    folder = corpus.root / f"synthesise/toy/{method}"
    folder.mkdir()
    for seed, (clip_id, pictures) in enumerate(frames.items()):
        wave = (waves or {}).get(clip_id, spoken(openings(seed), seed))
        media.write_video(folder / f"{clip_id}.mp4", pictures, wave, FORMAT)
    write_lines(corpus.root / f"synthesise/toy/{method}.jsonl", [record(clip_id) for clip_id in frames])
    return corpus.arguments(method)


def test_there_is_one_row_a_record_in_the_records_order(scored):
    rows, _ = scored
    assert [row.clip_id for row in rows] == ["a", "c", "b"]
    assert {row.method for row in rows} == {"copy"}
    assert all(row.metrics.keys() == {metric.name for metric in METRICS} for row in rows)


def test_a_dropped_clip_has_nulls_and_the_reason(scored):
    dropped = scored[0][1]
    assert dropped.video is None
    assert set(dropped.metrics.values()) == {None}
    assert dropped.reasons == {name: "dropped at synthesise: no_face: nobody there" for name in NAMES}


def test_a_copy_of_the_reference_scores_almost_perfectly(scored):
    for row in (scored[0][0], scored[0][2]):
        assert {row.reasons[name] for name in ("lse_c", "lse_d", "sync_offset")} == {FETCH}
        assert not row.reasons.keys() & {"psnr", "ssim", "cpbd", "lmd_mouth", "lmd_face", "av_corr", "av_offset"}
        assert row.metrics["psnr"] > 34
        assert row.metrics["ssim"] > 0.95
        assert row.metrics["lmd_face"] < 0.03
        assert row.metrics["frames"] == FRAMES


def test_a_mouth_that_follows_the_sound_is_in_sync_with_its_own_sound_only(scored):
    for row in (scored[0][0], scored[0][2]):
        assert row.metrics["av_corr"] > 0.6
        assert row.metrics["av_corr_shuffled"] < 0.4
        assert row.metrics["av_offset"] == 0


def test_a_row_leads_to_its_source_and_its_video(scored, corpus):
    assert scored[0][0].source == "file:a"
    assert scored[0][0].video == str(corpus.root / "synthesise/toy/copy/a.mp4")


def test_the_run_has_the_means_of_the_rows_and_what_they_were_made_from(scored, corpus):
    rows, run = scored
    assert run["metrics"]["psnr"] == pytest.approx((rows[0].metrics["psnr"] + rows[2].metrics["psnr"]) / 2)
    assert (run["stage"], run["name"], run["dataset"]) == ("score", "copy", "toy")
    assert (run["clips"], run["dropped"], run["n"]["psnr"]) == (3, 1, 2)
    assert run["index_sha256"] == sha256(corpus.root / "toy/index.parquet")
    assert 0 < run["seconds"] < 60
    assert run["settings"]["score"]["max_lag_frames"] == 8
    assert run["identities"]["psnr"] == "psnr.rgb8/1"


def test_clips_that_differ_by_more_than_a_frame_are_not_compared(corpus):
    shorter = {"a": talking_frames(openings(0))[:-2], "b": talking_frames(openings(1))[:-1]}
    arguments = write_method(corpus, "shorter", shorter)
    score.run(arguments)
    first, second = read_scores(arguments.scores)
    for name in ("psnr", "ssim", "lmd_face", "frames"):
        assert first.metrics[name] is None
        assert first.reasons[name] == "48 frames were generated, the reference has 50"
    assert first.metrics["av_offset"] == 0
    assert second.metrics["frames"] == 49


def test_a_face_that_cannot_be_found_gives_reasons_and_no_numbers(corpus):
    blank = [np.full((64, 64, 3), 90, np.uint8)] * FRAMES
    arguments = write_method(corpus, "blank", {"a": blank})
    score.run(arguments)
    (row,) = read_scores(arguments.scores)
    assert row.metrics["lmd_face"] is None
    assert row.reasons["lmd_face"] == "0 of 50 frames have landmarks in both videos, score.min_frames is 25"
    assert row.reasons["av_corr"] == "0 of 50 frames have landmarks and sound, score.min_frames is 25"
    assert row.reasons["av_corr_shuffled"] == "no other clip was generated, so there is no other sound"
    assert row.metrics["psnr"] < 20


def test_a_still_face_has_no_lip_sync_rather_than_that_of_the_detectors_noise(corpus):
    arguments = write_method(corpus, "still", {"a": talking_frames(openings(0)[:1]) * FRAMES})
    score.run(arguments)
    (row,) = read_scores(arguments.scores)
    assert row.metrics["av_corr"] is None
    assert row.metrics["av_offset"] is None
    assert row.reasons["av_corr"].startswith("the mouth does not move")
    assert row.metrics["lmd_face"] > 0


def test_early_sound_has_a_positive_offset(corpus):
    """The sound of frame k + 4 is heard at frame k."""
    opening = openings(0, FRAMES + 4)
    wave = spoken(opening)[4 * 640 :]
    arguments = write_method(corpus, "early", {"a": talking_frames(opening[:FRAMES])}, {"a": wave})
    score.run(arguments)
    assert read_scores(arguments.scores)[0].metrics["av_offset"] == 4


def test_the_reference_is_resized_to_the_generated_size(tmp_path):
    picture = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    png = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    with create(tmp_path / "crop.h5", Origin("crop", 1, "0")) as shard:
        shard.put("a", pack([png]))
    with open_shard(tmp_path / "crop.h5") as shard:
        (same,), (half,) = read_reference(shard["a"], 16, 16), read_reference(shard["a"], 8, 8)
    np.testing.assert_array_equal(same, picture)
    blocks = picture.reshape(8, 2, 8, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(half, blocks, atol=0.5)


def test_the_level_has_as_many_frames_as_the_rate_asks_for(corpus):
    video = corpus.root / "synthesise/toy/copy/a.mp4"
    slow, fast = (read_sound(video, ENTRY, rate_hz).loudness for rate_hz in (FORMAT.rate_hz, 2 * FORMAT.rate_hz))
    assert len(fast) in (2 * len(slow), 2 * len(slow) + 1)
    power = 10 ** (fast[: 2 * len(slow)].reshape(-1, 2) / 10)
    np.testing.assert_allclose(10 * np.log10(power.mean(axis=1)), slow, atol=1.5)


def test_a_video_without_sound_is_heard_with_the_sound_that_drove_it(tmp_path, corpus):
    source, silent = corpus.root / "synthesise/toy/copy/a.mp4", tmp_path / "silent.mp4"
    command = [media.ffmpeg_path(), "-loglevel", "error", "-i", str(source), "-an", "-c", "copy", str(silent)]
    subprocess.run(command, check=True)
    drove = np.arange(10 * 640, dtype=np.int16)
    with create(tmp_path / "trim.h5", Origin("trim", 1, "0")) as shard:
        shard.put("a", {"wave": drove})
    entry = dataclasses.replace(ENTRY, trim=str(tmp_path / "trim.h5"), first_frame=2, frames=5)
    heard = read_sound(silent, entry, FORMAT.rate_hz).require()
    np.testing.assert_allclose(heard, drove[2 * 640 : 7 * 640] / 32768, atol=1e-4)


def test_sound_that_cannot_be_read_has_its_reason(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    sound = read_sound(tmp_path / "a.mp4", ENTRY, FORMAT.rate_hz)
    assert sound.wave is None
    with pytest.raises(MeasurementError, match="empty_file"):
        sound.require()


def test_a_record_of_another_dataset_is_refused(corpus):
    with pytest.raises(InputError, match="a is of the dataset 'toy', not 'other'"):
        score.run(argparse.Namespace(**{**vars(corpus.arguments()), "dataset": "other"}))


def test_a_kept_clip_that_the_index_lacks_is_refused(corpus, tmp_path):
    write_lines(tmp_path / "records.jsonl", [record("z")])
    with pytest.raises(InputError, match="z is not in the index of toy"):
        score.run(argparse.Namespace(**{**vars(corpus.arguments()), "records": tmp_path / "records.jsonl"}))


def test_a_kept_clip_without_a_video_is_refused(corpus, tmp_path):
    with pytest.raises(InputError, match=r"a\.mp4 is not there: rerun synthesise for copy"):
        score.run(argparse.Namespace(**{**vars(corpus.arguments()), "videos": tmp_path}))
