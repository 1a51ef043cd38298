"""Facts about starting the metric from published weights: after loading, ours compute what the published ones do."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import published_layouts as layouts
import pytest
import torch
import yaml

from tavce import weights
from tavce.config import PAPER, load, merge
from tavce.config.learning import Metric
from tavce.metric import published
from tavce.metric.model import Encoders
from tavce.metric.train import MetricLearner
from tavce.networks.perceptual import IMAGENET_MEAN, IMAGENET_STD
from tavce.networks.reconstruction import ReconstructionGenerator, ReconstructionSizes
from tavce.published.files import digests, identity
from tavce.records import InputError
from tavce.training.loop import fabric

pytestmark = pytest.mark.slow

COMPAT = Path(__file__).parents[3] / "shared/compat/networks.json"
TAVCE = {"audio_start": "tavce", "visual_start": "tavce"}
FILES = {name: weights.table()[name].file for name in ("wav2lip", "arcface_iresnet18", "resnet18", "tavce_metric")}
KEYS = {"audio_encoder": layouts.correlation_audio_encoder(), "image_encoder": layouts.iresnet(128)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of a user who has placed no weights."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(**changes: object) -> Metric:
    raw = yaml.safe_load(PAPER.read_text(encoding="utf-8"))
    changes = {"reconstruction_weight": 0, **changes}
    return load(merge(raw, {"metrics": {"paper": changes}})).metrics["paper"]


def place(name: str, content: object) -> Path:
    """Write a checkpoint where a user would place it."""
    path = weights.FOLDER / FILES[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


def started(chosen: Metric) -> Encoders:
    torch.manual_seed(2024)
    encoders = Encoders(chosen.networks, chosen.input_px)
    published.start({"encoders": encoders}, chosen)
    return encoders.eval()


def _encoders() -> dict[str, dict[str, torch.Tensor]]:
    return {key: layouts.numbers(shapes, 4) for key, shapes in KEYS.items()}


def wav2lip(state: Mapping[str, torch.Tensor]) -> dict[str, object]:
    face = {"module.face_encoder_blocks.0.0.conv_block.0.weight": torch.zeros(16, 6, 7, 7)}
    own = {f"module.{name}": entry for name, entry in state.items()}
    return {"state_dict": face | own, "optimizer": None, "global_step": 7}


@torch.inference_mode()
def test_wav2lips_encoder_gives_its_512_features_and_the_layer_on_top_stays_as_it_was():
    state = layouts.numbers(layouts.audio_encoder(), 1)
    place("wav2lip", wav2lip(state))
    mel = torch.randn(2, 1, 80, 16)
    encoder = started(recipe(audio_start="wav2lip")).audio
    expected = layouts.run_audio_encoder(state, mel)
    torch.testing.assert_close(encoder.audio(mel), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.embed.state_dict(), started(recipe()).audio.embed.state_dict())


@torch.inference_mode()
def test_arcfaces_trunk_gives_its_features_and_the_embedding_stays_as_it_was():
    state = layouts.numbers(layouts.iresnet(512), 2)
    place("arcface_iresnet18", state)
    picture = torch.rand(1, 3, 112, 112) * 2 - 1
    face = started(recipe(visual_start="arcface")).face
    expected = layouts.iresnet_trunk(state, picture)
    torch.testing.assert_close(face.norm(face.blocks(face.stem(picture))), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(face.embed.weight, started(recipe()).face.embed.weight)


@torch.inference_mode()
def test_imagenets_resnet_sees_in_minus_one_to_one_what_it_saw_in_normalised_colours(monkeypatch):
    state = layouts.numbers(layouts.resnet18(), 3)
    path = place("resnet18", {name: entry for name, entry in state.items() if "batches" not in name})
    _believe(monkeypatch, "resnet18", path)
    picture = torch.rand(1, 3, 112, 112)
    mean, std = (torch.tensor(colour).reshape(3, 1, 1) for colour in (IMAGENET_MEAN, IMAGENET_STD))
    face = started(recipe(visual_start="imagenet", networks={"visual": "resnet18"})).face
    expected = layouts.run_resnet18(state, (picture - mean) / std, (0.5 - mean) / std)
    ours = face.blocks(face.stem(picture * 2 - 1)).mean(dim=(2, 3))
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def _believe(monkeypatch, name: str, path: Path) -> None:
    """Take a placed file for the published one, whose digest begins otherwise."""
    entry = weights.table()[name].model_copy(update={"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    table = {**weights.table(), name: entry}
    monkeypatch.setattr(weights, "table", lambda: table)


@torch.inference_mode()
def test_a_metric_of_the_release_trained_on_several_gpus_embeds_as_it_did_there():
    states = _encoders()
    trained = {key: {f"module.{name}": entry for name, entry in state.items()} for key, state in states.items()}
    place("tavce_metric", trained | {"lr_scheduler": {"last_epoch": 7}})
    mel, picture = torch.randn(1, 1, 80, 16), torch.rand(1, 3, 112, 112) * 2 - 1
    encoders = started(recipe(**TAVCE))
    features = layouts.run_audio_encoder(states["audio_encoder"], mel)
    layer = states["audio_encoder"]["fc.weight"], states["audio_encoder"]["fc.bias"]
    heard = torch.nn.functional.linear(features, *layer)
    torch.testing.assert_close(encoders.audio(mel), heard, atol=1e-5, rtol=1e-4)
    seen = layouts.run_iresnet(states["image_encoder"], picture)
    torch.testing.assert_close(encoders.face(picture), seen, atol=1e-4, rtol=1e-4)
    assert encoders.face.norm.num_batches_tracked == 7


def small_generators() -> dict[str, ReconstructionGenerator]:
    sizes = ReconstructionSizes(channels=(4, 6, 8, 10), blocks_before=5, blocks_after=4, attention_features=7)
    return {"next": ReconstructionGenerator(sizes), "previous": ReconstructionGenerator(sizes)}


@torch.inference_mode()
def test_generator1_rebuilds_the_next_frame_and_generator2_the_one_before():
    states = [layouts.numbers(layouts.generator((4, 6, 8, 10), 7), seed) for seed in (5, 6)]
    place("tavce_metric", {"generator1": states[0], "generator2": states[1]} | _encoders())
    chosen = recipe(**TAVCE, reconstruction_weight=1)
    networks = small_generators()
    published.start({"encoders": Encoders(chosen.networks, chosen.input_px), **networks}, chosen)
    frame, attention = torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 7)
    for name, state in zip(("next", "previous"), states, strict=True):
        expected = layouts.run_generator(state, frame, attention)
        torch.testing.assert_close(networks[name](frame, attention), expected, atol=1e-5, rtol=1e-4)


def test_from_scratch_nothing_is_read_and_nothing_is_changed():
    torch.testing.assert_close(started(recipe()).state_dict(), started(recipe()).state_dict())
    assert digests(recipe().weights) == {}
    assert identity(recipe().start_weights) == ""


def test_a_run_is_known_by_the_files_it_starts_from():
    path = place("wav2lip", wav2lip({}))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    chosen = recipe(audio_start="wav2lip")
    assert digests(chosen.weights) == {"wav2lip": digest}
    assert identity(chosen.start_weights) == f"-{digest[:16]}"


@torch.inference_mode()
def test_a_learner_starts_from_the_files_of_its_recipe():
    state = layouts.numbers(layouts.audio_encoder(), 1)
    place("wav2lip", wav2lip(state))
    chosen = recipe(audio_start="wav2lip")
    audio = MetricLearner(chosen, fabric(chosen.training)).networks["encoders"].audio
    assert torch.equal(audio.audio.blocks[12].conv.weight, state["audio_encoder.12.conv_block.0.weight"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer2.0.bn1.weight": None}, r"'layer2\.0\.bn1\.weight' is missing, not \(64,\)"),
        ({"conv1.weight": torch.zeros(64, 3, 7, 7)}, r"'conv1\.weight' is \(64, 3, 7, 7\), not \(64, 3, 3, 3\)"),
        ({"layer2.2.conv1.weight": torch.zeros(1)}, r"'layer2\.2\.conv1\.weight' has no place here: the file is of an"),
        ({"bn2.bias": "words"}, r"'bn2\.bias' is missing, not \(512,\)"),
    ],
    ids=["missing", "of another shape", "of a deeper network", "no tensor"],
)
def test_the_entry_that_does_not_fit_is_named(change, words):
    trunk = {name: shape for name, shape in layouts.iresnet(512).items() if not name.startswith("f")}
    state = layouts.numbers(trunk, 2) | change
    place("arcface_iresnet18", {name: entry for name, entry in state.items() if entry is not None})
    with pytest.raises(InputError, match=rf"iresnet18\.pth: entry {words}"):
        started(recipe(visual_start="arcface"))


def test_a_prefix_inside_a_name_is_no_prefix():
    state = layouts.numbers(layouts.audio_encoder(), 1)
    place("wav2lip", wav2lip({name.replace("conv_block", "module.conv_block"): entry for name, entry in state.items()}))
    with pytest.raises(InputError, match=r"'state_dict': entry 'audio_encoder\.0\.conv_block\.0\.weight' is missing"):
        started(recipe(audio_start="wav2lip"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"model": {}}, r"wav2lip\.pth has no entries 'state_dict': it is another kind of checkpoint"),
        ([1, 2], r"wav2lip\.pth is no checkpoint of wav2lip: it holds a list, no entries"),
    ],
)
def test_another_kind_of_file_is_refused(content, words):
    place("wav2lip", content)
    with pytest.raises(InputError, match=words):
        started(recipe(audio_start="wav2lip"))


def test_a_file_that_would_run_code_is_refused():
    place("wav2lip", {"state_dict": Encoders})
    with pytest.raises(InputError, match=r"checkpoint .*wav2lip\.pth cannot be read"):
        started(recipe(audio_start="wav2lip"))


def test_a_file_nobody_placed_is_named_with_what_does_without():
    with pytest.raises(InputError) as caught:
        started(recipe(audio_start="wav2lip"))
    assert str(caught.value) == (
        "wav2lip weights are missing: place metric/wav2lip.pth from the table of "
        "https://github.com/Rudrabha/Wav2Lip#getting-the-weights (licence: learnt from LRS2, for research and "
        "personal, non-commercial use only) as store/weights/metric/wav2lip.pth; `audio_start: scratch` needs no file"
    )


@pytest.mark.skipif(not COMPAT.is_file(), reason="the table of published layouts lies beside the repository")
@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("correlation_image_encoder", layouts.iresnet(128)),
        ("correlation_audio_encoder", layouts.correlation_audio_encoder()),
        ("correlation_generator", layouts.generator()),
    ],
)
def test_the_layouts_are_those_of_the_published_table(name, shapes):
    table = json.loads(COMPAT.read_text(encoding="utf-8"))[name]["state_dict"]
    assert [(entry, tuple(shape)) for entry, shape, *_ in table] == [*shapes.items()]
