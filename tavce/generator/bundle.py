"""One file with everything that makes a portrait talk: the networks, their settings, and the expression basis.

Reads and writes  .pt: `format`, `name`, `settings` (JSON of SECTIONS), `parts` (stage → its checkpoint without what
        only training needs), `basis` (arrays; None for a model whose coefficients are deep3d's and that was converted),
        `sources` (file → sha256 of what it was packed from)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tavce.config import parse_sections
from tavce.faces.basis import ExpressionBasis
from tavce.files import digest
from tavce.records import InputError
from tavce.stages import STAGES
from tavce.training import checkpoint

FORMAT = 1
SECTIONS = STAGES["pack"].sections
NETWORKS = {"renderer": "renderer", "audio2exp": "audio2exp", "audio2pose": "pose", "metric": "encoders"}  # of a stage
REQUIRED = ("renderer", "audio2exp", "audio2pose")


@dataclass(frozen=True)
class Bundle:
    """What a talking-head model is made of."""

    name: str
    settings: str  # JSON of SECTIONS
    parts: Mapping[str, Mapping[str, Any]]  # stage → {stage, settings (JSON of its sections), networks}
    basis: ExpressionBasis | None
    sources: Mapping[str, str]

    @property
    def sections(self) -> dict[str, Any]:
        """The typed settings of SECTIONS."""
        return parse_sections(self.settings)

    @property
    def blink_closes(self) -> bool:
        """Whether its audio2exp is told how far the eyes are closed, 0 as they are and 1 shut, as SadTalker's is; else
        how far they are open, as a fraction of the inter-ocular distance. It is where the model was converted."""
        return self.basis is None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything it was made of: settings and sources."""
        return digest({"settings": self.settings, "sources": dict(self.sources)})


def part(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a bundle keeps of a stage's checkpoint.

    Raises:
        InputError: it is of a stage that has no place in a bundle.
    """
    stage = state["stage"]
    if stage not in NETWORKS:
        raise InputError(f"a checkpoint of {stage} has no place in a talking-head model: those of {[*NETWORKS]} have")
    network: dict[str, Tensor] = state["networks"][NETWORKS[stage]]
    return {"stage": stage, "settings": state["settings"], "networks": {NETWORKS[stage]: network}}


def save(path: str | Path, bundle: Bundle) -> None:
    """Write a bundle, whole or not at all."""
    state = {
        "format": FORMAT,
        "name": bundle.name,
        "settings": bundle.settings,
        "parts": {stage: dict(kept) for stage, kept in bundle.parts.items()},
        "basis": None if bundle.basis is None else _arrays(bundle.basis),
        "sources": dict(bundle.sources),
    }
    checkpoint.save(path, state)


def load(path: str | Path) -> Bundle:
    """Return a bundle.

    Raises:
        InputError: the file cannot be read, is something else, or is of another format.
    """
    state = checkpoint.load(path)
    if not isinstance(state, Mapping) or "parts" not in state:
        raise InputError(f"{path} is no talking-head model: `tavce pack` makes one of trained networks")
    if state["format"] != FORMAT:
        raise InputError(f"{path} is a talking-head model of format {state['format']}, this version reads {FORMAT}")
    if missing := [stage for stage in REQUIRED if stage not in state["parts"]]:
        raise InputError(f"{path} holds no {missing[0]}: pack it anew")
    basis = None if state["basis"] is None else _basis(state["basis"])
    return Bundle(state["name"], state["settings"], state["parts"], basis, state["sources"])


def _arrays(basis: ExpressionBasis) -> dict[str, Any]:
    return {
        "mean": torch.from_numpy(basis.mean),
        "components": torch.from_numpy(basis.components),
        "scale": basis.scale,
        "explained": basis.explained,
        "backend": basis.backend,
    }


def _basis(arrays: Mapping[str, Any]) -> ExpressionBasis:
    return ExpressionBasis(**{**arrays, "mean": arrays["mean"].numpy(), "components": arrays["components"].numpy()})
