"""Facts about the division of a published corpus."""

import pytest

from tavce.config.corpora import CorpusSplit
from tavce.corpora.splits import Division
from tavce.records import InputError

SPEAKERS = [f"id{number:05d}" for number in range(2000)]


def division(authors: str = "its authors", **split) -> Division:
    return Division("vox", CorpusSplit.model_validate({"val": 0.0, "test": "official", "seed": 1, **split}), authors)


@pytest.fixture
def listed(tmp_path):
    """Return a function that writes a list."""

    def write(*lines: str, name: str = "list.txt") -> str:
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_whom_the_authors_test_with_is_test_and_nobody_else():
    parted = division(val=0.5)
    assert parted.split_of("id00001", (), test=True) == "test"
    assert {parted.split_of(speaker, ()) for speaker in SPEAKERS} == {"train", "val"}


def test_the_share_of_validation_is_one_of_the_rest():
    parted = division(test=0.5, val=0.5)
    splits = [parted.split_of(speaker, (), test=True) for speaker in SPEAKERS]
    assert [splits.count(name) / len(splits) for name in ("test", "val", "train")] == pytest.approx(
        [0.5, 0.25, 0.25], abs=0.03
    )


def test_a_split_depends_on_the_seed_and_the_speaker_alone():
    one, other = division(test=0.5), division(test=0.5, seed=2)
    splits = [one.split_of(speaker, ()) for speaker in SPEAKERS]
    assert [one.split_of(speaker, ("x",)) for speaker in SPEAKERS[::-1]] == splits[::-1]
    assert [other.split_of(speaker, ()) for speaker in SPEAKERS] != splits


def test_lists_name_clips_or_speakers_as_other_projects_write_them(listed):
    test = listed("\ufeff# test", "", "id1/vid/00001.wav", "  id2#vid#00002.mp4 ", name="test.txt")
    parted = division(test=test, val=listed("id2"))
    assert parted.split_of("id1", ("id1-vid-00001", "id1")) == "test"
    assert parted.split_of("id1", ("id1-vid-00002", "id1"), test=True) == "train"
    assert parted.split_of("id2", ("id2-vid-00002", "id2")) == "test"
    assert parted.split_of("id2", ("id2-vid-00003", "id2")) == "val"
    parted.finish()


def test_a_share_divides_whom_a_list_does_not_name(listed):
    parted = division(test=listed(SPEAKERS[0]), val=0.99)
    assert parted.split_of(SPEAKERS[0], (SPEAKERS[0],)) == "test"
    assert [parted.split_of(name, (name,)) for name in SPEAKERS[1:]].count("val") > 1900


def test_names_of_nothing_are_shown_five_at_most(listed):
    path = listed("known", *(f"unknown{number}.mp4" for number in range(7)))
    parted = division(val=path)
    parted.split_of("known", ("known",))
    with pytest.raises(InputError) as told:
        parted.finish()
    assert str(told.value) == (
        f"corpora.vox.split.val: 7 of 8 names in {path} are no clip, video or speaker of this corpus: unknown0.mp4, "
        "unknown1.mp4, unknown2.mp4, unknown3.mp4, unknown4.mp4 and 2 more"
    )


@pytest.mark.parametrize("lines", [[], ["", "# nobody"]])
def test_an_empty_list_is_refused(listed, lines):
    with pytest.raises(InputError, match=r"split.val: .*list.txt names nothing: write clips or speakers, one a line"):
        division(val=listed(*lines))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (
            {"test": "nowhere.txt"},
            "split.test 'nowhere.txt' is neither `official`, a share, nor a list that can",
        ),
        ({"val": "official"}, "split.val 'official' is neither a share, nor a list that can be read"),
        ({"val": ""}, "split.val '' is neither a share, nor a list that can be read"),
    ],
)
def test_a_list_that_is_not_there_is_refused(split, words):
    with pytest.raises(InputError, match=words):
        division(**split)


def test_a_list_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match=r"nor a list that can be read: 'utf-8' codec"):
        division(val=str(tmp_path / "list.txt"))


def test_two_lists_that_share_a_name_are_refused(listed):
    test = listed("a.mp4", "b", name="test.txt")
    with pytest.raises(InputError, match=r"corpora.vox.split: in the list of test and in that of val: a"):
        division(test=test, val=listed("a"))


def test_an_official_split_needs_one():
    with pytest.raises(InputError, match=r"corpora.vox.split.test: nobody published an official split"):
        division(authors="")
