"""Facts about filling: what is said of every entry, and what is refused."""

import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tavce.published.files import Entries, PublishedFile, digests, identity
from tavce.published.filling import export, fill
from tavce.published.layout import Layout, rewritten
from tavce.records import InputError

LAYOUT = Layout(rewritten((r"0\.", "conv.")), left_out=re.compile(r"old\."), fresh=("1.",))


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


def entries(**changes: torch.Tensor | None) -> Entries:
    found = {"conv.weight": torch.ones(3, 2), "conv.bias": torch.zeros(3)} | {
        name.replace("__", "."): entry for name, entry in changes.items()
    }
    return Entries("a.pth", {name: entry for name, entry in found.items() if entry is not None})


def test_a_report_says_what_became_of_every_entry_on_both_sides():
    report = fill(network(), entries(old__scale=torch.zeros(1)), LAYOUT)
    assert report.loaded == ("conv.weight", "conv.bias")
    assert report.unused == {"old.scale": "left out by design"}
    assert report.seeded == ("1.weight", "1.bias")
    assert str(report) == "a.pth: 2 entries loaded, 1 of the file not used, 2 of ours stayed as they were seeded"
    assert report.json()["unused"] == {"old.scale": "left out by design"}


def test_what_is_filled_holds_the_files_numbers_and_what_is_fresh_its_own():
    ours = network()
    before = ours[1].weight.clone()
    fill(ours, entries(), LAYOUT)
    assert torch.equal(ours[0].weight, torch.ones(3, 2))
    assert torch.equal(ours[1].weight, before)
    assert export(ours.state_dict(), LAYOUT).keys() == {"conv.weight", "conv.bias"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv__bias": None}, r"a\.pth: entry 'conv\.bias' is missing, not \(3,\)"),
        ({"norm__bias": torch.zeros(1)}, r"a\.pth: entry 'norm\.bias' has no place here"),
        ({"conv__bias": torch.zeros(4)}, r"a\.pth: entry 'conv\.bias' is \(4,\), not \(3,\)"),
    ],
)
def test_gaps_strangers_and_other_shapes_are_refused_and_nothing_is_changed(changes, words):
    ours = network()
    before = ours[0].weight.clone()
    with pytest.raises(InputError, match=words):
        fill(ours, entries(**changes), LAYOUT)
    assert torch.equal(ours[0].weight, before)


def test_where_it_need_not_be_strict_gaps_and_strangers_are_reported():
    report = fill(network(), entries(conv__bias=None, norm__bias=torch.zeros(1)), LAYOUT, strict=False)
    assert report.loaded == ("conv.weight",)
    assert report.unused == {"norm.bias": "stranger"}
    assert report.seeded == ("0.bias", "1.weight", "1.bias")
    assert "1 of the file not used (1 strangers)" in str(report)


def test_another_shape_is_refused_even_there():
    with pytest.raises(InputError, match=r"'conv\.bias' is \(4,\), not \(3,\)"):
        fill(network(), entries(conv__bias=torch.zeros(4)), LAYOUT, strict=False)


def test_a_prefix_is_only_one_at_the_start_of_a_name(tmp_path):
    save_file({"a.x": torch.zeros(1), "b.a.x": torch.ones(1), "ab.x": torch.ones(1)}, tmp_path / "f.safetensors")
    file = PublishedFile.read(tmp_path / "f.safetensors", "it")
    assert file.below("a").entries.keys() == {"x"}
    assert file.names_below("b") == ["b.a.x"]
    with pytest.raises(InputError, match=r"f\.safetensors has no entries 'x\.': it is another kind of checkpoint"):
        file.below("x")


def test_a_safetensors_file_that_is_cut_off_or_not_there_is_refused(tmp_path):
    path = tmp_path / "f.safetensors"
    with pytest.raises(InputError, match=r"checkpoint .*f\.safetensors is not there"):
        PublishedFile.read(path, "it")
    save_file({"x": torch.zeros(100)}, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match=r"checkpoint .*f\.safetensors cannot be read"):
        PublishedFile.read(path, "it")


def test_a_run_that_starts_from_no_file_is_known_by_its_data_alone():
    assert digests([]) == {}
    assert identity([]) == ""
