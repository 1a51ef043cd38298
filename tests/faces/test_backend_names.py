"""Facts about face back-ends by name: what each needs, and what is said where that is not here."""

import sys
from pathlib import Path

import pytest
import yaml

from tavce import weights
from tavce.config.data import Detect
from tavce.faces.backend import BACKENDS, MissingWeightsError, open_backend


def test_without_face_alignment_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_alignment.detection.sfd.bbox", None)
    monkeypatch.delitem(sys.modules, "tavce.faces.fan", raising=False)
    with pytest.raises(
        MissingWeightsError, match=r"needs face_alignment, .*: pip install torch face-alignment==1\.5\.0"
    ):
        open_backend("face_alignment")


def test_without_dlib_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.delitem(sys.modules, "tavce.faces.dlib68", raising=False)
    with pytest.raises(MissingWeightsError, match=r"pip install --no-deps dlib-bin==20\.0\.1\.post1 face_recognition"):
        open_backend("dlib")


def test_the_weights_a_back_end_needs_are_known():
    paper = yaml.safe_load((Path(__file__).parents[2] / "workflow/config/paper.yaml").read_text(encoding="utf-8"))
    needed = {name: Detect(**{**paper["detect"], "backend": name}).weights for name in BACKENDS}
    assert needed == {"facemesh": (), "face_alignment": ("s3fd", "fan4"), "dlib": ()}
    assert {*needed["face_alignment"]} <= weights.table().keys()


def test_detect_says_which_weights_to_fetch(talking, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert talking.with_settings(detect={"backend": "face_alignment"}).run("detect") == 2
    assert "tavce detect: s3fd weights are missing: run `tavce fetch s3fd`" in capsys.readouterr().err
