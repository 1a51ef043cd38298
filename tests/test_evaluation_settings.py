"""Facts about the settings of the evaluation: what of them is refused, and in which words."""

import math
from pathlib import Path

import pytest
import yaml

from tavce.config import SettingsError, load, merge

PAPER = yaml.safe_load((Path(__file__).parents[1] / "workflow/config/paper.yaml").read_text(encoding="utf-8"))
MINE = {"reader": "folder", "source": "videos", "shards": 2, "split": {"val": 0.1, "test": 0.1, "seed": 1}}
QUOTED = {"label": "SadTalker", "source": "its Table 1", "datasets": {"mine": {"psnr": 21.5}}}
COMMAND = "infer {portrait} {audio} {out}"


def loaded(**changes: object):
    return load(merge(PAPER, {"corpora": {"mine": MINE}, **changes}))


def test_other_methods_have_rows_where_methods_names_them():
    others = {"wav2lip": {"videos": "/w"}, "eamm": {"command": COMMAND, "timeout_s": 60}}
    settings = loaded(others=others, methods={"wav2lip": "Wav2Lip"})
    assert settings.compared == ["ground_truth", "static", "wav2lip", "no_correlation", "ours"]
    assert settings.others["eamm"].timeout_s == 60
    assert settings.others["wav2lip"].timeout_s == 3600


def test_a_published_number_has_a_source_and_a_label():
    quoted = loaded(quoted={"sadtalker": QUOTED}).quoted["sadtalker"]
    assert (quoted.label, quoted.source, quoted.datasets) == ("SadTalker", "its Table 1", {"mine": {"psnr": 21.5}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"others": {"a": {}}}, "others.a: give videos or command: one of the two"),
        (
            {"others": {"a": {"videos": "/w", "command": COMMAND}}},
            "others.a: give videos or command: one of the two",
        ),
        ({"others": {"a": {"videos": ""}}}, "'others.a.videos' = '': String should have at least 1 character"),
        ({"others": {"a": {"video": "/w"}}}, "unknown setting 'others.a.video': did you mean 'videos'?"),
        ({"others": {"a": {"command": "x {audio} {out}"}}}, "command 'x {audio} {out}' lacks {portrait}"),
        ({"others": {"a": {"command": "x {portrait} {out}"}}}, "command 'x {portrait} {out}' lacks {audio}"),
        ({"others": {"a": {"command": "x {portrait} {audio}"}}}, "command 'x {portrait} {audio}' lacks {out}"),
        (
            {"others": {"a": {"command": f"x '{COMMAND}"}}},
            f"others.a: command 'x '{COMMAND}' cannot be split into words: No closing quotation",
        ),
        (
            {"others": {"a": {"videos": "/w", "timeout_s": 0}}},
            "'others.a.timeout_s' = 0: Input should be greater than 0",
        ),
        ({"others": {"PC-AVS": {"videos": "/w"}}}, "others.PC-AVS: choose a name of lower-case letters, digits and _"),
        (
            {"others": {"ours": {"videos": "/w"}}},
            "others.ours: choose a name of lower-case letters, digits and _, none",
        ),
        ({"others": {"static": {"videos": "/w"}}}, "others.static: choose a name of lower-case letters, digits and _"),
        ({"methods": {"eamm": "EAMM"}}, "methods.eamm is none of ['ours', 'no_correlation', 'ground_truth', 'static'"),
        ({"tables": {"baseline": "eamm"}}, "tables.baseline 'eamm' is none of methods: ['ground_truth', 'static'"),
        ({"score": {"tavc": "best"}}, "score.tavc 'best' is none of ['paper', 'recommended']"),
        ({"quoted": {"ours": QUOTED}}, "quoted.ours: choose a name of lower-case letters, digits and _, none of"),
        ({"quoted": {"Sad Talker": QUOTED}}, "quoted.Sad Talker: choose a name of lower-case letters, digits and _"),
        (
            {"others": {"a": {"videos": "/w"}}, "quoted": {"a": QUOTED}},
            "quoted.a: choose a name of lower-case letters, digits and _, none of",
        ),
        ({"quoted": {"a": {**QUOTED, "source": " "}}}, "'quoted.a.source' = ' ': String should match pattern"),
        ({"quoted": {"a": {"label": "A", "datasets": {}}}}, "missing setting 'quoted.a.source'"),
        ({"quoted": {"a": {**QUOTED, "datasets": {}}}}, "'quoted.a.datasets' = {}: Dictionary should have at least 1"),
        (
            {"quoted": {"a": {**QUOTED, "datasets": {"mine": {}}}}},
            "'quoted.a.datasets.mine' = {}: Dictionary should have at least 1",
        ),
        (
            {"quoted": {"a": {**QUOTED, "datasets": {"hdtf": {"psnr": 1}}}}},
            "quoted.a.datasets: ['hdtf'] are none of ['mine']",
        ),
        (
            {"quoted": {"a": {**QUOTED, "datasets": {"mine": {"psnr": math.nan}}}}},
            "'quoted.a.datasets.mine.psnr' = nan: Input should be a finite number",
        ),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_words(changes, words):
    with pytest.raises(SettingsError) as caught:
        loaded(**changes)
    assert words in str(caught.value)


def test_rows_are_in_the_order_of_tables_whatever_file_named_them_first():
    methods = {"eamm": "EAMM", "ours": "Ours", "wav2lip": "Wav2Lip", "static": "Still", "ground_truth": "Real"}
    others = {"wav2lip": {"videos": "/w"}, "eamm": {"videos": "/e"}}
    settings = loaded(others=others, methods=methods)
    assert [*settings.methods][:4] == ["ground_truth", "static", "wav2lip", "eamm"]
    assert [*settings.methods][-1] == "ours"
