"""Facts about `tavce plan` as a command: a table that adds up, and one sentence for what it cannot use."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tavce.cli import main
from tavce.config.explain import SettingsError
from tavce.plan import costs
from tavce.records import ClipRecord, write_lines

NOBODY = ["--datasets", "voxx", "--shards", "8"]
MINE = {"videos": 5, "clips": 50, "test_clips": 5, "hours": 0.5, "width_px": 640, "height_px": 480}


@pytest.fixture
def plan(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own; return its exit status, what it said, and what it complained of."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["plan", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def table(text: str) -> dict[str, list[float]]:
    """Return jobs, core hours, GPU hours and disk of every row of a printed plan."""
    rows = re.findall(r"^(\w+) +([\d,]+) +([\d,.]+) +([\d,.]+) +([\d,.]+) +[\d-]+:", text, re.MULTILINE)
    return {rule: [float(cell.replace(",", "")) for cell in cells] for rule, *cells in rows}


@pytest.mark.parametrize("datasets", [["vox2"], ["vox1", "vox2", "hdtf", "lrw"]])
def test_the_rows_add_up_to_the_totals(plan, datasets):
    status, text, _ = plan("--datasets", *datasets, "--shards", "512")
    rows = table(text)
    together = rows.pop("together")
    assert status == 0
    assert rows["trim"][0] == 512 * len(datasets)
    for place, total in enumerate(together):
        assert total == pytest.approx(sum(row[place] for row in rows.values()), abs=0.05 * (len(rows) + 1))


def test_every_dataset_may_have_shards_of_its_own(plan):
    _, text, _ = plan("--datasets", "vox1", "hdtf", "--shards", "128", "32")
    assert table(text)["crop"][0] == 128 + 32


def test_a_plan_says_which_numbers_are_measured_assumed_and_estimated(plan):
    _, text, _ = plan("--datasets", "vox2", "--shards", "512", "--tflops", "40")
    origins = dict(re.findall(r"^(\w+) .* (\w+)$", text.partition("critical path")[0], re.MULTILINE))
    assert (origins["crop"], origins["download"], origins["train_renderer"]) == ("measured", "assumed", "estimate")
    assert "at 40 TFLOP/s sustained (--tflops); no GPU was measured" in " ".join(text.split())
    assert (
        "→ train_metric paper → listen paper → listening_gate paper → train_renderer ours → synthesise vox2/ours →"
        in " ".join(text.split())
    )


def test_a_plan_says_how_long_a_host_is_asked_at_its_pace(plan, tmp_path):
    _, text, _ = plan("--datasets", "vox2", "lrw", "--shards", "512")
    assert "fetching takes at least 20-21:36: 150,480 videos from one host, one every 12 s by all jobs together" in text
    (tmp_path / "my.yaml").write_text("download: {per_host_s: 0}")
    _, text, _ = plan("--datasets", "vox2", "--shards", "512", "--settings", "my.yaml")
    assert "fetching" not in text


def test_twice_the_speed_halves_the_gpu_hours(plan):
    slow, fast = (
        table(plan("--datasets", "vox2", "--shards", "512", "--tflops", speed)[1])["train_renderer"][2]
        for speed in ("1", "2")
    )
    assert fast == pytest.approx(slow / 2, abs=0.1)


def test_three_seeds_of_every_variant_are_three_times_the_trainings_and_the_gpu_hours(plan):
    Path("my.yaml").write_text("renderers: {ours: {more_seeds: [2025, 2026]}}", encoding="utf-8")  # the other is alike
    vox = ("--datasets", "vox2", "--shards", "512")
    one, three = table(plan(*vox)[1]), table(plan(*vox, "--settings", "my.yaml")[1])
    assert (one["train_renderer"][0], three["train_renderer"][0]) == (2, 6)
    assert three["train_renderer"][2] == pytest.approx(3 * one["train_renderer"][2], abs=0.2)
    assert (one["synthesise"][0], three["synthesise"][0], three["score"][0]) == (4, 8, 8)
    assert three["train_metric"] == one["train_metric"]


def test_a_corpus_of_ones_own_needs_its_size_and_takes_the_rest_from_the_settings(plan):
    corpus = {"reader": "folder", "source": "videos", "shards": 3, "split": {"val": 0.1, "test": 0.1, "seed": 1}}
    Path("my.yaml").write_text(yaml.safe_dump({"corpora": {"mine": corpus}}), encoding="utf-8")
    Path("sizes.yaml").write_text(yaml.safe_dump({"datasets": {"mine": MINE}}), encoding="utf-8")
    status, text, _ = plan("--settings", "my.yaml", "--costs", "sizes.yaml")
    assert status == 0
    assert table(text)["crop"][0] == 3


def test_own_benchmarks_are_told_with_their_memory(plan, tmp_path):
    named = {"clip_id": "c", "dataset": "mine", "split": "train", "speaker": "s", "stage": "trim", "version": 1}
    write_lines("results/mine/trim/0000.jsonl", [ClipRecord(**named, numbers={"seconds": 20.0})])
    (tmp_path / "benchmarks/crop/mine").mkdir(parents=True)
    (tmp_path / "benchmarks/crop/mine/0000.tsv").write_text("s\tmax_rss\n40.0\t500\n", encoding="utf-8")
    _, text, _ = plan("--datasets", "vox2", "--shards", "512", "--benchmarks", "benchmarks")
    assert re.search(r"^crop .* own$", text, re.MULTILINE)
    assert table(text)["crop"][1] == pytest.approx(2442 * 2, abs=0.1)
    assert "  crop mine: 1 jobs, 2 s for a second of video, at most 524 MB\n" in text


def test_networks_of_another_shape_are_said_to_be_unknown(plan):
    Path("my.yaml").write_text("audio2exp: {frames: 7}", encoding="utf-8")
    _, text, _ = plan("--settings", "my.yaml", "--datasets", "hdtf", "--shards", "1")
    words = " ".join(text.split())
    assert "unknown, and counted as nothing: train_audio2exp: their networks are of another shape" in words
    assert re.search(r"^train_audio2exp +1 +0\.0 \+ \? +0\.0 \+ \? .* \? +unknown$", text, re.MULTILINE)
    assert "at least" in words
    assert "what is unknown left out" in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--datasets", "voxx", "--shards", "8"],
            r"how large 'voxx' is, is not known \(known: vox1, vox2, hdtf, lrw\)",
        ),
        (NOBODY, r"datasets: \{voxx: \{videos: .*--costs mine\.yaml"),
        (["--datasets", "vox2", "--shards", "0"], r"--shards 0 is no number of shards: give 1 or more"),
        (
            ["--datasets", "vox1", "vox2", "lrw", "--shards", "8", "9"],
            r"--shards gives 2 numbers for 3 datasets: give one, or one for each",
        ),
        (["--datasets", "vox2"], r"how many shards 'vox2' has, is not said: give --shards"),
        ([], r"no dataset is named, and the settings have no corpora: give --datasets vox1 vox2 hdtf lrw"),
        (["--datasets", "vox2", "--shards", "8", "--tflops", "0"], r"--tflops 0 is no speed"),
        (["--datasets", "vox2", "--shards", "8", "--gpus", "0"], r"takes 4 cores and 1 GPUs, of 100 and 0: raise"),
        (["--datasets", "vox2", "--shards", "8", "--benchmarks", "gone"], r"--benchmarks gone is no folder"),
        (["--datasets", "vox2", "--shards", "8", "--costs", "gone.yaml"], r"gone\.yaml cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_ends_with_2(plan, arguments, sentence):
    status, out, complaint = plan(*arguments)
    assert (status, out) == (2, "")
    assert complaint.startswith("tavce plan: ")
    assert re.search(sentence, complaint)


def test_without_a_corpus_to_train_on_there_is_no_plan(plan):
    corpus = {
        **{"reader": "folder", "source": "videos", "shards": 3, "train": False},
        "split": {"val": 0.1, "test": 0.1, "seed": 1},
    }
    Path("my.yaml").write_text(yaml.safe_dump({"corpora": {"hdtf": corpus}}), encoding="utf-8")
    status, _, complaint = plan("--settings", "my.yaml")
    assert status == 2
    assert "no corpus is trained on: set corpora.NAME.train to true" in complaint


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("just words", r"holds no settings: write `datasets: "),
        ("a: [", r"cannot be read"),
        ("datasets: {mine: {videos: 0}}", r"setting 'datasets\.mine\.videos' = 0"),
        ("stages: {crop: {job: 1}}", r"unknown setting 'stages\.crop\.job': did you mean 'job_s'\?"),
    ],
)
def test_costs_that_cannot_be_used_are_named(tmp_path, text, sentence):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence) as caught:
        costs.load(str(path))
    assert str(path) in str(caught.value)


def test_a_plan_loads_no_numerical_library():
    program = (
        "import sys; from tavce.cli import main; main(['plan', '--datasets', 'hdtf', '--shards', '2']); "
        "sys.exit(bool({'torch', 'cv2', 'av', 'mlflow', 'h5py', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True).returncode == 0
