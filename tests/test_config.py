"""Facts about settings: what is refused, in which words, and what a stage gets to see."""

import json
from pathlib import Path

import pytest
import yaml

from tavce import config
from tavce.config import SettingsError, load, load_files, merge, paper, parse_sections, stage_sections
from tavce.stages import STAGES

CONFIG = Path(__file__).parents[1] / "workflow/config"
FOLDER = {"reader": "folder", "source": "videos", "shards": 2, "split": {"val": 0.1, "test": 0.1, "seed": 1}}


@pytest.fixture(scope="module")
def raw() -> dict:
    """The paper's settings as they are written, with one corpus."""
    settings = yaml.safe_load((CONFIG / "paper.yaml").read_text(encoding="utf-8"))
    return {**settings, "corpora": {"mine": FOLDER}}


def refused(raw: dict, **changes: object) -> str:
    """Return the words with which changed settings are refused."""
    with pytest.raises(SettingsError) as caught:
        load(merge(raw, changes))
    return str(caught.value)


def test_the_papers_settings_are_the_default():
    assert paper() == load_files(str(CONFIG / "paper.yaml"))
    assert paper().metrics["paper"].training.epochs == 10


def test_the_demos_settings_are_laid_over_the_papers():
    demo = load_files(str(CONFIG / "paper.yaml"), str(CONFIG / "demo.yaml"))
    assert (demo.trim.crf, demo.trim.rate_hz) == (18, 25)
    assert demo.crop.size_px == 128
    assert demo.corpora["demo"].speakers == 8
    assert demo.metrics["recommended"].networks == demo.metrics["paper"].networks


def test_the_paper_is_missed_outside_the_repository(monkeypatch, tmp_path):
    paper.cache_clear()
    monkeypatch.setattr(config, "PAPER", tmp_path / "site/workflow/config/paper.yaml")
    with pytest.raises(SettingsError, match=r"paper.yaml is not there: install with `pip install -e \.`"):
        paper()
    monkeypatch.undo()
    paper.cache_clear()


def test_merging_goes_into_mappings_and_replaces_all_else():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merge(base, {"a": {"c": [3]}, "e": {}}) == {"a": {"b": 1, "c": [3]}, "d": 1, "e": {}}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": {"margn": 0.2}}, "unknown setting 'crop.margn': did you mean 'margin'?"),
        ({"crops": {}}, "unknown setting 'crops': did you mean 'crop'?"),
        ({"trim": {"xyzzy": 1}}, "unknown setting 'trim.xyzzy'"),
        ({"corpora": {"mine": {"shrads": 4}}}, "unknown setting 'corpora.mine.shrads': did you mean 'shards'?"),
        (
            {"renderers": {"ours": {"weights": {"corelation": 1}}}},
            "unknown setting 'renderers.ours.weights.corelation': did you mean 'correlation'?",
        ),
    ],
)
def test_a_misspelt_key_names_the_nearest_known_one(raw, changes, words):
    assert refused(raw, **changes).splitlines()[1].strip() == words


def test_every_wrong_setting_is_named_at_once(raw):
    words = refused(raw, trim={"crf": 60, "preset": "slow"}, mel={"hop": 0}, synthesise={"pose": "moving"})
    assert "setting 'trim.crf' = 60: Input should be less than or equal to 51" in words
    assert "setting 'trim.preset' = 'slow': Input should be 'ultrafast'" in words
    assert "setting 'mel.hop' = 0: Input should be greater than 0" in words
    assert "setting 'synthesise.pose' = 'moving': Input should be 'predicted' or 'still'" in words


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        ({"recipe": "voxceleb"}, "'crop.recipe' = 'voxceleb': Input should be 'vox', 'hdtf', 'released' or 'ffhq'"),
        ({"size_px": 250}, "'crop.size_px' = 250: Input should be a multiple of 16"),
        ({"mouth_px": 0}, "'crop.mouth_px' = 0: Input should be greater than 0"),
        ({"max_frames": 0}, "'crop.max_frames' = 0: Input should be greater than 0"),
        ({"min_iou_first": 1.1}, "'crop.min_iou_first' = 1.1: Input should be less than or equal to 1"),
        ({"margin": -0.1}, "'crop.margin' = -0.1: Input should be greater than or equal to 0"),
        ({"min_side_px": -1}, "'crop.min_side_px' = -1: Input should be greater than or equal to 0"),
        ({"max_outside": 0.51}, "'crop.max_outside' = 0.51: Input should be less than or equal to 0.5"),
    ],
)
def test_a_recipe_of_crops_has_bounds(raw, crop, words):
    assert f"setting {words}" in refused(raw, crop=crop)


def test_a_mouth_larger_than_its_crop_is_refused(raw):
    words = "crop: mouth_px 72 is above size_px 64: the mouth is a part of the crop, lower it"
    assert words in refused(raw, crop={"size_px": 64})
    corpora = {"mine": {"crop": {"mouth_px": 257}}}
    assert "corpora.mine.crop: mouth_px 257 is above size_px 256" in refused(raw, corpora=corpora)
    words = "corpus mine: metrics.paper.mouth_px is 300, crop.size_px is 256: the mouth is a part of the crop"
    assert words in refused(raw, metrics={"paper": {"mouth_px": 300}})


@pytest.mark.parametrize("section", ["trim", "gate", "score", "methods"])
def test_a_missing_section_is_named(raw, section):
    with pytest.raises(SettingsError, match=f"missing setting '{section}'"):
        load({name: value for name, value in raw.items() if name != section})


def test_a_missing_key_of_a_corpus_is_named_as_the_user_writes_it(raw):
    short = {name: value for name, value in FOLDER.items() if name != "source"}
    with pytest.raises(SettingsError, match=r"missing setting 'corpora.mine.source'"):
        load({**raw, "corpora": {"mine": short}})


def test_a_reader_nobody_wrote_is_named(raw):
    assert "'tape' found using 'reader' does not match any of the expected tags: 'folder', 'demo'" in refused(
        raw, corpora={"mine": {"reader": "tape"}}
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"corpora": {"My-Videos": FOLDER}}, "name 'My-Videos': use lower-case letters, digits and _"),
        ({"corpora": {"metric": FOLDER}}, "corpus 'metric' would share the folder results/metric: choose another name"),
        (
            {"corpora": {"mine_ablations": FOLDER}},
            "corpus 'mine_ablations' would share the name of an ablation table: choose another name",
        ),
        (
            {"renderers": {"ours": {"metric": "best"}}},
            "renderers.ours.metric 'best' is none of ['paper', 'recommended']",
        ),
        (
            {"synthesise": {"image_px": 128}},
            "renderers.ours.networks.image_px is not synthesise.image_px: tables need one size",
        ),
        ({"listening": {"gates": {"best": "off"}}}, "listening.gates.best is none of ['paper', 'recommended']"),
        ({"renderers": {"static": {"like": "ours"}}}, "renderers.static: static is a method of its own"),
        ({"methods": {"theirs": "Theirs"}}, "methods.theirs is none of ['ours', 'no_correlation', 'ground_truth'"),
        ({"trim": {"sample_rate_hz": 8000}}, "mel.sample_rate_hz is 16000, trim.sample_rate_hz is 8000"),
        ({"trim": {"rate_hz": 30}}, "window.rate_hz is 25, trim.rate_hz is 30: they must be the same"),
        ({"mel": {"hop": 160}}, "window.mel_rate_hz is 80, mel.sample_rate_hz / mel.hop is 100"),
        (
            {"renderers": {"no_correlation": {"more_seeds": [2025, 2024]}}},
            "renderers.no_correlation: more_seeds [2025, 2024] repeat 2024, training.seed 2024 counted",
        ),
        (
            {"renderers": {"no_correlation": {"more_seeds": [7, 7]}}},
            "renderers.no_correlation: more_seeds [7, 7] repeat 7, training.seed 2024 counted: name every seed once",
        ),
        (
            {"renderers": {"no_correlation": {"more_seeds": [-1]}}},
            "setting 'renderers.no_correlation.more_seeds.0' = -1: Input should be greater than or equal to 0",
        ),
        (
            {"metrics": {"paper": {"spacing": 3}}},
            "metrics.paper: distance 3 must exceed spacing 3: negatives would be pairs",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_in_one_sentence(raw, changes, words):
    (sentence,) = refused(raw, **changes).splitlines()[1:]
    assert words in sentence


def test_no_corpus_is_no_error_of_the_settings(raw):
    assert load({**raw, "corpora": None}).corpora == {}


def test_an_entry_starts_from_the_one_it_is_like(raw):
    chain = {"both": {"like": "paper", "negatives": "both"}, "far": {"like": "both", "distance": 9}}
    metrics = load(merge(raw, {"metrics": chain})).metrics
    assert metrics["far"] == metrics["paper"].model_copy(update={"negatives": "both", "distance": 9})


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"far": {"like": "nobody"}}, "metrics.far.like: 'nobody' is no other entry of metrics"),
        ({"far": {"like": "far"}}, "metrics.far.like: 'far' is no other entry of metrics"),
        ({"a": {"like": "b"}, "b": {"like": "a"}}, "metrics.b.like: 'a' is no other entry of metrics"),
    ],
)
def test_an_entry_that_is_like_none_other_is_refused(raw, metrics, words):
    assert refused(raw, metrics=metrics) == words


@pytest.mark.parametrize("value", [["paper"], "paper", {"paper": 3}])
def test_recipes_that_are_no_mapping_are_refused_in_words(raw, value):
    with pytest.raises(SettingsError, match=r"setting 'metrics.*' = .*: Input should be a valid"):
        load({**raw, "metrics": value})


def test_settings_cannot_be_changed(raw):
    with pytest.raises(ValueError, match="frozen"):
        load(raw).trim.crf = 20


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_sees_its_own_sections_and_no_other(raw, stage):
    names = {"corpus": "mine", "metric": "paper", "renderer": "ours"}
    picked = next((names[section] for section in STAGES[stage].sections if section in names), None)
    text = load(raw).sections(stage, picked)
    assert set(json.loads(text)) == set(STAGES[stage].sections)


def test_what_a_stage_reads_is_what_was_set(raw):
    settings = load(raw)
    assert parse_sections(settings.sections("crop")) == {"trim": settings.trim, "crop": settings.crop}
    assert parse_sections(settings.sections("renderer", "ours"))["renderer"] == settings.trainings["ours"]
    assert parse_sections(settings.sections("render_demo", "mine"))["corpus"] == settings.corpora["mine"]
    assert parse_sections(settings.sections("sheet"))["corpora"] == settings.corpora


def test_a_variant_is_trained_once_for_every_seed(raw):
    settings = load(merge(raw, {"renderers": {"no_correlation": {"more_seeds": [2026, 2025]}}}))
    seeds = {run: renderer.training.seed for run, renderer in settings.trainings.items()}
    assert seeds == {"ours": 2024, "no_correlation": 2024, "no_correlation-2026": 2026, "no_correlation-2025": 2025}
    rows = ["ground_truth", "static", "no_correlation", "no_correlation-2026", "no_correlation-2025", "ours"]
    assert settings.compared == rows


def test_more_seeds_change_nothing_for_the_trainings_that_there_are(raw):
    one, three = load(raw), load(merge(raw, {"renderers": {"ours": {"more_seeds": [2025, 2026]}}}))
    assert three.sections("renderer", "ours") == one.sections("renderer", "ours")
    other = json.loads(three.sections("renderer", "ours-2025"))
    assert other["renderer"]["training"].pop("seed") == 2025
    first = json.loads(one.sections("renderer", "ours"))
    assert first["renderer"]["training"].pop("seed") == 2024
    assert other == first


def test_a_training_is_named_with_its_seed_on_the_command_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("renderers: {ours: {more_seeds: [5]}}", encoding="utf-8")
    assert parse_sections(stage_sections(str(path), "renderer", "ours-5"))["renderer"].training.seed == 5
    with pytest.raises(SettingsError, match=r"--name ours-6 is none of renderers: \['ours', 'ours-5', 'no_corr"):
        stage_sections(str(path), "renderer", "ours-6")


def test_a_changed_section_changes_its_own_stages_only(raw):
    before, after = load(raw), load(merge(raw, {"mel": {"low_hz": 60}}))
    unnamed = [name for name, stage in STAGES.items() if not {"corpus", "metric", "renderer"} & {*stage.sections}]
    changed = [name for name in unnamed if before.sections(name) != after.sections(name)]
    assert changed == [name for name in unnamed if "mel" in STAGES[name].sections]
    assert "mel" in changed
    assert "crop" not in changed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "--settings is no JSON"),
        ('{"crap": {}}', "--settings: no section 'crap', the sections are"),
        ('{"gate": {"train": 0, "val": 1, "test": 0}}', "setting 'gate.train' = 0"),
        ('{"gate": {"train": 1, "val": 1, "tset": 0}}', "missing setting 'gate.test'\n  unknown setting 'gate.tset'"),
        ('{"corpus": {"reader": "demo", "clips": 3}}', "unknown setting 'corpus.clips'"),
    ],
)
def test_sections_a_stage_cannot_use_are_refused(text, words):
    with pytest.raises(SettingsError) as caught:
        parse_sections(text)
    assert words in str(caught.value)


def test_a_file_of_settings_gives_a_stage_its_sections(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("crop: {margin: 0.2}\nmetrics: {far: {like: paper, distance: 9}}", encoding="utf-8")
    assert parse_sections(stage_sections(str(path), "crop", None))["crop"].margin == 0.2
    assert parse_sections(stage_sections(str(path), "metric", "far"))["metric"].distance == 9
    assert stage_sections(None, "crop", None) == paper().sections("crop")
    assert stage_sections('{"crop": {}}', "crop", None) == '{"crop": {}}'


def test_a_name_the_settings_do_not_have_is_refused_with_those_they_have():
    with pytest.raises(SettingsError, match=r"--name far is none of metrics: \['paper', 'recommended'\]"):
        stage_sections(None, "metric", "far")
    with pytest.raises(SettingsError, match=r"--name None is none of corpora: \[\]"):
        stage_sections(None, "render_demo", None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: [Errno 2]"),
        (b"crop: {margin", "cannot be read: while parsing a flow mapping"),
        (b"\xff\xfe", "cannot be read: 'utf-8' codec"),
        (b"- crop", "holds no settings"),
    ],
    ids=["not there", "no YAML", "no text", "a list"],
)
def test_a_file_that_holds_no_settings_is_named(tmp_path, content, words):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_files(path)
    assert str(caught.value).startswith(f"{path} ")
    assert words in str(caught.value)


def test_the_papers_corpora_are_configured_by_the_example():
    example = load_files(CONFIG / "paper.yaml", CONFIG / "corpora.example.yaml")
    assert {name: corpus.reader for name, corpus in example.corpora.items()} == {
        "vox1": "voxceleb1",
        "vox2": "voxceleb2",
        "hdtf": "hdtf",
        "lrw": "lrw",
    }
    assert example.leaks == "drop"
    assert [example.section("trim", name).min_frames for name in example.corpora] == [64, 64, 64, 25]
    crops = [example.section("crop", name) for name in example.corpora]
    assert [(crop.recipe, crop.margin, crop.max_frames) for crop in crops] == [
        *[("vox", 0.1, 1024)] * 2,
        ("hdtf", pytest.approx(70 / (256 - 70) / 2, abs=5e-4), 200),
        ("vox", 0.1, 1024),
    ]


def test_a_corpus_own_sections_are_laid_over_the_runs_for_it_alone(raw):
    mine = load(merge(raw, {"corpora": {"mine": {"trim": {"crf": 30}}, "other": {**FOLDER, "source": "x"}}}))
    assert parse_sections(mine.sections("trim", "mine"))["trim"].crf == 30
    assert parse_sections(mine.sections("trim", "other"))["trim"] == mine.trim
    assert parse_sections(mine.sections("mel"))["mel"] == mine.mel


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"trim": {"crff": 30}}, "unknown setting 'corpora.mine.trim.crff': did you mean 'crf'?"),
        (
            {"crop": {"margin": -1}},
            "setting 'corpora.mine.crop.margin' = -1: Input should be greater than or equal to 0",
        ),
        ({"trim": {"rate_hz": 30}}, "corpora.mine.trim.rate_hz is 30, trim.rate_hz is 25: they must be the same"),
        (
            {"crop": {"max_frames": 63}},
            "corpus mine: crop.max_frames is 63, trim.min_frames is 64: no crop could be both",
        ),
    ],
)
def test_what_a_corpus_says_for_itself_is_checked_like_the_runs_settings(raw, own, words):
    assert words in refused(raw, corpora={"mine": own})


@pytest.mark.parametrize(("said", "place"), [(True, "features"), (False, "none"), ("warped", "warped")])
def test_the_attention_has_a_place_and_yes_is_the_papers(raw, said, place):
    variant = load(merge(raw, {"renderers": {"ours": {"attention": said}}})).renderers["ours"]
    assert (variant.attention, variant.attends) == (place, place != "none")
