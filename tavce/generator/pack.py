"""Pack trained networks, the settings that they were trained under and the expression basis into one file.

Reads   best.pt of the renderer, audio2exp, audio2pose and, where the renderer attends to it, the metric; the basis
Writes  results/models/{name}.pt (`tavce.generator.bundle`), without what only training needs
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from tavce.faces.basis import ExpressionBasis
from tavce.files import input_file, sha256
from tavce.generator.bundle import NETWORKS, REQUIRED, Bundle, part, save
from tavce.generator.samples import POSE
from tavce.records import InputError
from tavce.training import checkpoint

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", required=True, help="what the model is called")
    parser.add_argument(
        "--networks",
        type=input_file,
        nargs="+",
        required=True,
        help="best.pt of renderer, audio2exp, audio2pose, metric",
    )
    parser.add_argument("--basis", type=input_file, required=True, help="the expression basis, .npz")
    parser.add_argument("--out", required=True, help="the model, .pt")


def run(arguments: argparse.Namespace) -> None:
    """Pack one model.

    Raises:
        InputError: a network is missing, there twice, or does not fit the others.
    """
    parts, sources = _parts(arguments.networks)
    basis = ExpressionBasis.load(arguments.basis)
    refuse_misfits(parts, basis)
    sources[arguments.basis] = sha256(arguments.basis)
    bundle = Bundle(arguments.name, arguments.settings, parts, basis, sources)
    save(arguments.out, bundle)
    log.info("%s is model %s, digest %s", arguments.out, bundle.name, bundle.digest)


def _parts(paths: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return what is kept of every checkpoint by stage, and the digests of the files that it is from.

    Raises:
        InputError: two are of one stage, or one that is needed is missing.
    """
    parts: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    for path in paths:
        kept = part(checkpoint.load(path))
        stage = kept["stage"]
        if stage in parts:
            raise InputError(f"{files[stage]} and {path} are both of {stage}: give one")
        parts[stage], files[stage] = kept, path
    if missing := [stage for stage in REQUIRED if stage not in parts]:
        raise InputError(f"a model needs the best.pt of {', '.join(missing)}: give it with --networks")
    renderer = checkpoint.section(files["renderer"], parts["renderer"], "renderer")
    if not renderer.attends:
        parts.pop("metric", None)
    elif "metric" not in parts:
        raise InputError(f"{files['renderer']} attends to the correlation: give the metric's best.pt with --networks")
    return parts, {files[stage]: sha256(files[stage]) for stage in parts}


def refuse_misfits(parts: Mapping[str, Mapping[str, Any]], basis: ExpressionBasis) -> None:
    """Refuse networks and a basis that were not trained together.

    Raises:
        InputError: says which numbers differ.
    """
    weights = {stage: kept["networks"][NETWORKS[stage]] for stage, kept in parts.items()}
    expression = len(weights["audio2exp"]["linear.bias"])
    coefficients = weights["renderer"]["mapping.first.weight"].shape[1]
    if expression + POSE != coefficients:
        raise InputError(f"audio2exp gives {expression} + {POSE} coefficients, the renderer takes {coefficients}")
    if len(basis.components) != expression:
        raise InputError(f"the basis has {len(basis.components)} components, audio2exp gives {expression}")
    if "metric" in parts:
        heard = len(weights["metric"]["audio.embed.bias"])
        attended = len(weights["renderer"]["generator.attention.project.bias"])
        if heard != attended:
            raise InputError(
                f"the metric has {heard} features, the renderer attends to {attended}: give its own metric"
            )
