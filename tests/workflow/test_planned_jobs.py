"""Facts about `tavce plan`: it counts the jobs that Snakemake plans."""

import re
from collections import Counter

import pytest
import yaml
from project import CORPUS

from tavce.cli import main

pytestmark = pytest.mark.slow

SIZE = {"videos": 6, "clips": 6, "test_clips": 2, "hours": 0.01, "width_px": 640, "height_px": 480}
NOT_TRAINED = {**CORPUS, "shards": 3, "train": False}

MORE = {
    "one not in the tables": {"corpora": {"mine": CORPUS, "theirs": {**CORPUS, "evaluate": False}}},
    "no tables": {"corpora": {"mine": {**CORPUS, "evaluate": False}}},
    "two metrics": {"metrics": {"paper": {"perceptual": "mobilenetv2"}, "both": {"like": "paper"}}},
    "one whose faces networks find": {
        "corpora": {"mine": CORPUS, "theirs": {**CORPUS, "detect": {"backend": "face_alignment"}}}
    },
    "one that syncnet measures, and motion by a network": {
        "corpora": {"mine": CORPUS, "theirs": {**CORPUS, "quality": {"syncnet": True}}},
        "motion": {"backend": "deep3d"},
    },
    "a metric that starts from published weights": {
        "metrics": {"paper": {"audio_start": "wav2lip", "visual_start": "arcface"}, "both": {"like": "paper"}}
    },
    "three seeds": {"renderers": {"ours": {"more_seeds": [2025, 2026]}, "no_correlation": {"more_seeds": [1]}}},
    "other methods": {
        "others": {"wav2lip": {"videos": "w"}, "eamm": {"command": "x {portrait} {audio} {out}"}},
        "methods": {"wav2lip": "Wav2Lip", "eamm": "EAMM"},
    },
    "no weights": {"metrics": {"paper": {"reconstruction_weight": 0}}},
}


def planned(text: str) -> dict[str, int]:
    """Return the jobs of every rule in a printed plan."""
    rows = re.findall(r"^(\w+) +([\d,]+) ", text.partition("critical path")[0], re.MULTILINE)
    return {rule: int(jobs.replace(",", "")) for rule, jobs in rows}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="one corpus"),
        pytest.param({"corpora": {"mine": CORPUS, "theirs": NOT_TRAINED}}, id="one not trained on"),
        *(pytest.param(changes, id=name) for name, changes in MORE.items()),
    ],
)
def test_a_plan_counts_the_jobs_of_a_dry_run(fresh, capsys, changes):
    fresh.configure(**changes)
    config = fresh.folder / "config.yaml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    sizes = fresh.folder / "sizes.yaml"
    sizes.write_text(yaml.safe_dump({"datasets": dict.fromkeys(settings["corpora"], SIZE)}), encoding="utf-8")
    assert main(["plan", "--settings", str(config), "--costs", str(sizes)]) == 0
    rules = planned(capsys.readouterr().out)
    jobs = Counter(job.rule for job in fresh.jobs())
    assert rules.pop("together") == sum(jobs.values())
    assert rules == jobs
