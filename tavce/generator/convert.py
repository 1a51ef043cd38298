"""Make a talking-head model of SadTalker's published files, or write one of ours under SadTalker's names.

Reads   SadTalker_V0.0.2_256.safetensors and mapping_00229-model.pth.tar; or the older facevid2vid_00189-model.pth.tar
        with the mapping, audio2exp_00300-model.pth and audio2pose_00140-model.pth. A single file wins over the whole
Writes  a model of `tavce.generator.bundle` with the settings given, `motion.backend` deep3d and no attention; or
        .safetensors, in which the correlation's layers have the release's names (proj1, proj2, linear) and the mapping
        stands below `mapping.`; SadTalker itself reads that from a file of its own (--mapping-out)

What the numbers mean there and here:
- Coefficients are Deep3DFaceRecon's on both sides: expression, angles in radians, translation in that model's units.
- mapping_00109, of SadTalker's whole pictures, takes three more coefficients (where the crop lies): refused.
- Movements of published audio2pose are in the coefficients' own units: `scale` and `gain` are one. Going out, ours are
  multiplied into the decoder's last layer; the encoder, for training only, still expects movements divided by `scale`.
- The published blink is 0 for eyes as they are and 1 for closed ones; what ours learn from is the gap of the lids over
  the distance of the eyes. `Bundle.blink_closes` says which a model takes; `tavce animate` gives it that.
- `face_3drecon` is the published Deep3DFaceRecon, which `motion` reads from a file of its own: left out.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor, nn

from tavce.config import parse_sections
from tavce.config.variants import trainings
from tavce.files import input_file, sha256, whole, write_json
from tavce.generator import bundle
from tavce.generator.coefficients import PoseModel, build_audio2exp
from tavce.generator.model import FaceRenderer
from tavce.generator.samples import POSE
from tavce.published import coefficient_layout, renderer_layout
from tavce.published.files import Entries, PublishedFile
from tavce.published.filling import LEFT_OUT, STRANGER, Report, export, fill
from tavce.records import InputError
from tavce.training import checkpoint

SINGLE = {  # option → key in the file, networks that it gives, file
    "facevid2vid": ({"generator": "generator", "keypoints": "kp_detector"}, "facevid2vid_00189-model.pth.tar"),
    "mapping": ({"mapping": "mapping"}, "mapping_00229-model.pth.tar"),
    "audio2exp": ({"audio2exp": "model"}, "audio2exp_00300-model.pth"),
    "audio2pose": ({"audio2pose": "model"}, "audio2pose_00140-model.pth"),
}
PREFIXES = {
    "generator": "generator",
    "keypoints": "kp_extractor",
    "mapping": "mapping",
    "audio2exp": "audio2exp",
    "audio2pose": "audio2pose",
}
OTHER_PREFIXES = ("face_3drecon",)
VARIANT = "no_correlation"  # whose settings a converted renderer has: the one without attention


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--sadtalker", type=input_file, help="SadTalker_V0.0.2_256.safetensors")
    for option, (_, file) in SINGLE.items():
        parser.add_argument(f"--{option}", type=input_file, help=file)
    parser.add_argument("--lenient", action="store_true", help="report strangers and gaps instead of refusing them")
    parser.add_argument("--report", help="where to write what became of every entry, .json")
    parser.add_argument("--export", type=input_file, help="a talking-head model to write under SadTalker's names")
    parser.add_argument(
        "--mapping-out", help="with --export: where to write the mapping as SadTalker reads it, .pth.tar"
    )
    parser.add_argument("--out", required=True, help="the model, .pt; with --export, .safetensors")


def run(arguments: argparse.Namespace) -> None:
    """Convert one way or the other.

    Raises:
        InputError: a file cannot be read, is of another project or of other sizes, or a network is in none of them.
    """
    if arguments.export:
        _write_published(bundle.load(arguments.export), arguments)
        return
    options = [option for option in ("sadtalker", *SINGLE) if getattr(arguments, option)]
    files = {option: PublishedFile.read(getattr(arguments, option), option) for option in options}
    settings = json.loads(arguments.settings)
    settings["motion"] = {**settings["motion"], "backend": "deep3d"}
    networks = build(settings)
    reports = fill_networks(networks, files, strict=not arguments.lenient)
    variant = trainings(parse_sections(arguments.settings)["renderers"])[VARIANT].model_dump(mode="json")
    parts = {
        "renderer": _part("renderer", settings, variant, "renderer", networks["renderer"]),
        "audio2exp": _part("audio2exp", settings, settings["audio2exp"], "audio2exp", networks["audio2exp"]),
        "audio2pose": _part("audio2pose", settings, settings["audio2pose"], "pose", networks["audio2pose"]),
    }
    kept = json.dumps({name: settings[name] for name in bundle.SECTIONS}, sort_keys=True, separators=(",", ":"))
    sources = {file.path.name: sha256(file.path) for file in files.values()}
    bundle.save(arguments.out, bundle.Bundle(Path(arguments.out).stem, kept, parts, None, sources))
    sys.stdout.writelines(f"{report}\n" for report in reports.values())
    if arguments.report:
        write_json(arguments.report, {"sources": sources, **{name: one.json() for name, one in reports.items()}})


def build(settings: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Return the networks of a talking-head model at the sizes of the settings, without attention.

    Raises:
        SettingsError: a setting is unknown, missing or out of bounds.
        InputError: there is no variant without attention to take the sizes from.
    """
    if VARIANT not in settings["renderers"]:
        raise InputError(f"the settings have no renderers.{VARIANT}: its sizes are those of a converted renderer")
    typed = parse_sections(json.dumps(settings))
    expression = typed["motion"].expression
    return {
        "renderer": FaceRenderer(typed["renderers"][VARIANT].networks, expression + POSE, None),
        "audio2exp": build_audio2exp(typed["audio2exp"], expression),
        "audio2pose": PoseModel(typed["audio2pose"], np.ones(POSE, np.float32)),
    }


def fill_networks(
    networks: Mapping[str, nn.Module], files: Mapping[str, PublishedFile], strict: bool
) -> dict[str, Report]:
    """Lay the files' entries over the networks, and return what became of them by network, and of the rest.

    Raises:
        InputError: a network is in none of the files, or does not fit; names the entry.
    """
    found = _found(files)
    for option, (keys, file) in SINGLE.items():
        if missing := [network for network in keys if network not in found]:
            raise InputError(f"no file gives the {missing[0]}: add --{option} {file}")
    renderer, pose = networks["renderer"], networks["audio2pose"]
    levels = len(pose.cvae.sizes.unet_channels)
    targets = {
        "generator": (renderer.generator, renderer_layout.GENERATOR_WITH_FUSION),
        "keypoints": (renderer.keypoints, renderer_layout.KEYPOINTS),
        "mapping": (renderer.mapping, renderer_layout.MAPPING),
        "audio2exp": (networks["audio2exp"], coefficient_layout.AUDIO2EXP),
        "audio2pose": (pose, coefficient_layout.pose_model(levels)),
    }
    reports = {name: fill(network, found[name], layout, strict) for name, (network, layout) in targets.items()}
    if "sadtalker" in files:
        reports["rest"] = _rest(files["sadtalker"], strict)
    return reports


def _found(files: Mapping[str, PublishedFile]) -> dict[str, Entries]:
    found = {}
    if "sadtalker" in files:
        whole_file = files["sadtalker"]
        found = {name: whole_file.below(key) for name, key in PREFIXES.items() if whole_file.names_below(key)}
        if not found:
            raise InputError(f"{whole_file.path} has no entries of SadTalker: it is of another project")
    for option, (keys, _) in SINGLE.items():
        if option in files:
            found |= {network: files[option].part(key) for network, key in keys.items()}
    return found


def _rest(file: PublishedFile, strict: bool) -> Report:
    """Return the entries of a flat file that belong to no network of a talking-head model."""
    known = tuple(f"{prefix}." for prefix in PREFIXES.values())
    left = tuple(f"{prefix}." for prefix in OTHER_PREFIXES)
    others = [name for name in file.content if not name.startswith(known)]
    strangers = [name for name in others if not name.startswith(left)]
    if strict and strangers:
        raise InputError(f"{file.path}: entry '{strangers[0]}' has no place here: the file is of another project")
    unused = {name: STRANGER if name in strangers else LEFT_OUT for name in others}
    return Report(f"{file.path}, the rest", (), unused, ())


def _part(stage: str, settings: Mapping[str, Any], own: Any, network: str, module: nn.Module) -> dict[str, Any]:
    text = json.dumps({"window": settings["window"], stage: own}, sort_keys=True, separators=(",", ":"))
    return {"stage": stage, "settings": text, "networks": {network: module.state_dict()}}


def _write_published(model: bundle.Bundle, arguments: argparse.Namespace) -> None:
    entries = published(model)
    with whole(arguments.out) as part:
        save_file({name: entry.contiguous() for name, entry in entries.items()}, part)
    if arguments.mapping_out:
        mapping = {
            name.removeprefix("mapping."): entry for name, entry in entries.items() if name.startswith("mapping.")
        }
        checkpoint.save(arguments.mapping_out, {"mapping": mapping})


def published(model: bundle.Bundle) -> dict[str, Tensor]:
    """Return the entries of a talking-head model under SadTalker's names."""
    renderer = model.parts["renderer"]["networks"]["renderer"]
    pose = dict(model.parts["audio2pose"]["networks"]["pose"])
    scale = pose["scale"] * pose["gain"]
    pose["cvae.decoder.pose.weight"] = pose["cvae.decoder.pose.weight"] * scale[:, None]
    pose["cvae.decoder.pose.bias"] = pose["cvae.decoder.pose.bias"] * scale
    levels = 1 + sum(name.startswith("cvae.decoder.unet.stretch.") and name.endswith("bias") for name in pose)
    states = {
        "generator": export(_below("generator", renderer), renderer_layout.GENERATOR_WITH_FUSION),
        "keypoints": export(_below("keypoints", renderer), renderer_layout.KEYPOINTS),
        "mapping": export(_below("mapping", renderer), renderer_layout.MAPPING),
        "audio2exp": export(model.parts["audio2exp"]["networks"]["audio2exp"], coefficient_layout.AUDIO2EXP),
        "audio2pose": export(pose, coefficient_layout.pose_model(levels)),
    }
    return {f"{PREFIXES[name]}.{entry}": value for name, state in states.items() for entry, value in state.items()}


def _below(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}
