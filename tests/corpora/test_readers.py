"""Facts about all readers: each has its module, and `tavce sheet` writes what it yields."""

import importlib
from typing import get_args

import pytest
from pipeline import Pipeline, settings
from vox_files import NAME, annotation

from tavce.config.corpora import AnyCorpus
from tavce.records import read_rows
from tavce.sheet.stage import READERS

CSV = (
    "video_id,start,end,bbox,fps,width,height,partition,person_id\n"
    "WMh3ye5tBsE,3657,3994,624-48-1018-553,25,1280,720,train,id10005\n"
)


def test_every_reader_of_the_settings_has_a_module():
    corpora = get_args(get_args(AnyCorpus)[0])
    assert {name for corpus in corpora for name in get_args(corpus.model_fields["reader"].annotation)} == {*READERS}
    assert all(callable(importlib.import_module(module).rows) for module in READERS.values())


@pytest.mark.parametrize(
    ("reader", "source", "data", "clip_id"),
    [
        ("voxceleb1", f"txt/{NAME}", annotation(), "id10270-5r0dWxy17C8-00001"),
        ("vox_metadata", "a.csv", CSV.encode(), "id10005-WMh3ye5tBsE-003657-003994"),
        ("lrw", "ABOUT/test/ABOUT_00001.mp4", b"x", "ABOUT_test_00001"),
    ],
)
def test_the_command_writes_a_corpus_rows(tmp_path, reader, source, data, clip_id):
    place = tmp_path / "corpus" / source
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    corpus = {"reader": reader, "source": str(place if reader == "vox_metadata" else tmp_path / "corpus"), "shards": 1}
    split = {} if reader == "lrw" else {"split": {"val": 0, "test": "official", "seed": 1}}
    mine = Pipeline(tmp_path, settings(corpora={"mine": {**corpus, **split}}))
    assert mine.write_sheet() == 0
    assert [row.clip_id for row in read_rows(mine.root / "sheet/0000.jsonl")] == [clip_id]
