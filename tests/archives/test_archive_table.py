"""Facts about the table of known archives: what it holds, and what a user's own may not hold."""

import re

import pytest
import yaml

from tavce.archives.table import TABLE, table
from tavce.records import InputError

KNOWN = table(TABLE)
ENTRY = {"corpus": "Toy", "kind": "zip", "folder": "toy", "holds": "toys", "licence": "CC0", "access": "me"}


def written(path, **entries):
    path.write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
    return path


def test_every_part_of_every_known_archive_has_its_own_published_sum():
    sums = [md5 for archive in KNOWN.values() for md5 in (*archive.parts.values(), archive.whole) if md5]
    assert all(re.fullmatch("[0-9a-f]{32}", md5) for md5 in sums)
    assert len(sums) == len(set(sums)) == 38
    assert all(all(archive.parts.values()) for archive in KNOWN.values())


@pytest.mark.parametrize(
    ("name", "stem", "last"),
    [
        ("vox1_dev_wav", "vox1_dev_wav", "d"),
        ("vox2_dev_aac", "vox2_dev_aac", "h"),
        ("vox2_dev_mp4", "vox2_dev_mp4", "i"),
        ("lrw", "lrw-v1", "g"),
    ],
)
def test_parts_are_in_order_and_none_is_left_out(name, stem, last):
    letters = "abcdefghi"[: "abcdefghi".index(last) + 1]
    assert [*KNOWN[name].parts] == [f"{stem}_parta{letter}".replace("1_p", "1-p") for letter in letters]


def test_archives_of_one_file_bear_its_name():
    single = {name: [*archive.parts] for name, archive in KNOWN.items() if len(archive.parts) == 1}
    assert single == {name: [f"{name}.zip"] for name in single}
    assert len(single) == 7


def test_what_the_readers_take_as_it_is_are_the_annotations():
    assert {name for name, archive in KNOWN.items() if archive.read_in_place} == {
        "vox1_dev_txt",
        "vox1_test_txt",
        "vox2_dev_txt",
        "vox2_test_txt",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": {"a.zip": "474255e1"}}, "String should match pattern"),
        ({"parts": {}}, "at least 1 item"),
        ({"parts": {"../a.zip": None}}, "String should match pattern"),
        ({"parts": {"a.zip": None}, "kind": "rar"}, "Input should be 'zip' or 'tar'"),
        ({"parts": {"a.zip": None}, "folder": "../elsewhere"}, "a folder that leads out of its folder"),
        ({"parts": {"a.zip": None}, "folder": ".archives"}, "a hidden folder"),
        ({"parts": {"a.zip": None}, "joined": ["b.zip"]}, "one part is the whole"),
        ({"parts": {"a.zip": None}, "mirror": "b"}, "Extra inputs are not permitted"),
    ],
)
def test_a_table_with_an_entry_that_makes_no_sense_is_refused(tmp_path, change, words):
    path = written(tmp_path / "mine.yaml", toy=ENTRY | change)
    with pytest.raises(InputError, match=words) as caught:
        table(path)
    assert str(caught.value).startswith(f"{path} is no table of archives")


@pytest.mark.parametrize("text", ["- a list", "just text", "{", "a: 1"])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml is no table of archives"):
        table(tmp_path / "mine.yaml")


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone\.yaml is no table of archives .*No such file"):
        table(tmp_path / "gone.yaml")


def test_a_file_that_two_archives_claim_is_refused(tmp_path):
    parts = {"a.zip": None, "b.zip": None}
    path = written(tmp_path / "mine.yaml", one=ENTRY | {"parts": parts}, two=ENTRY | {"parts": {"b.zip": None}})
    with pytest.raises(InputError, match=r"b\.zip belongs to one and to two"):
        table(path)
