"""Facts about the rows of a `vox-metadata.csv`: clips, frames at another rate, repeated and unusable lines."""

import numpy as np
import pytest

from tavce.boxes import unpack
from tavce.config.corpora import VoxMetadataCorpus
from tavce.corpora.folder import CLIP_ID
from tavce.corpora.source import Source
from tavce.corpora.vox_metadata import rows
from tavce.records import InputError

HEADER = "video_id,start,end,bbox,fps,width,height,partition,person_id"
LINE = "WMh3ye5tBsE,3657,3994,624-48-1018-553,25,1280,720,train,id10005"
OTHER = "-_h3ye5tBs-,0,64,0-0-100-100,25,1280,720,test,id10270"


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a table, and returns its path."""

    def write(*lines: str, encoding: str = "utf-8", end: str = "\n"):
        (tmp_path / "vox-metadata.csv").write_bytes(end.join([*lines, ""]).encode(encoding))
        return tmp_path / "vox-metadata.csv"

    return write


def read(path, rate_hz=25, **split):
    split = {"val": 0.0, "test": "official", "seed": 1, **split}
    said = {"reader": "vox_metadata", "source": str(path), "shards": 2, "split": split}
    return list(rows(Source("vox", VoxMetadataCorpus.model_validate(said), rate_hz)))


def test_a_line_becomes_a_row(table):
    (row,) = read(table(HEADER, LINE))
    assert row.model_dump(exclude_defaults=True) == {
        "clip_id": "id10005-WMh3ye5tBsE-003657-003994",
        "dataset": "vox",
        "split": "train",
        "speaker": "id10005",
        "video_id": "WMh3ye5tBsE",
        "source": "https://www.youtube.com/watch?v=WMh3ye5tBsE",
        "start_frame": 3657,
        "end_frame": 3993,
        "boxes": "px720|337*624 48 394 505",
        "licence": "CC BY 4.0 (annotations; the videos are their owners')",
    }


def test_a_clip_has_the_frames_before_its_end_in_one_box(table):
    (row,) = read(table(HEADER, LINE))
    boxes = unpack(row.boxes, 640, 360)
    assert len(boxes) == 3994 - 3657 == row.end_frame - row.start_frame + 1
    np.testing.assert_array_equal(boxes[7], [312, 24, 509, 276.5])


def test_the_official_split_is_the_column_partition(table):
    path = table(HEADER, LINE, OTHER)
    assert [row.split for row in read(path)] == ["train", "test"]
    assert [row.split for row in read(path, val=0.999)] == ["val", "test"]
    assert [row.split for row in read(path, test=0.0)] == ["train", "train"]


def test_a_list_may_name_a_clip_as_the_script_names_its_files(table, tmp_path):
    (tmp_path / "test.txt").write_text("id10005#WMh3ye5tBsE#003657#003994.mp4\n")
    assert [row.split for row in read(table(HEADER, LINE, OTHER), test=str(tmp_path / "test.txt"))] == ["test", "train"]


def test_a_name_of_nobody_in_a_list_is_refused(table, tmp_path):
    (tmp_path / "test.txt").write_text("id10006\n")
    with pytest.raises(InputError, match=r"1 of 1 names in .* are no clip, video or speaker of this corpus: id10006"):
        read(table(HEADER, LINE), test=str(tmp_path / "test.txt"))


@pytest.mark.parametrize(
    ("fps", "rate_hz", "frames"), [("50", 25, (100, 199)), ("25.0", 50, (400, 799)), ("30", 25, (167, 332))]
)
def test_frames_at_another_rate_are_converted(table, fps, rate_hz, frames):
    line = f"WMh3ye5tBsE,200,400,624-48-1018-553,{fps},1280,720,train,id10005"
    (row,) = read(table(HEADER, line), rate_hz)
    assert (row.start_frame, row.end_frame) == frames
    assert len(unpack(row.boxes, 1280, 720)) == frames[1] - frames[0] + 1
    assert row.clip_id == "id10005-WMh3ye5tBsE-000200-000400"


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        ((HEADER, LINE), {"end": "\r\n"}),
        ((HEADER, LINE), {"encoding": "utf-8-sig"}),
        ((HEADER, "", LINE, ""), {}),
        (('"' + HEADER.replace(",", '","') + '"', '"' + LINE.replace(",", '","') + '"'), {}),
        ((",".join(HEADER.split(",")[::-1]), ",".join(LINE.split(",")[::-1])), {}),
        ((f"{HEADER},note", f"{LINE},seen"), {}),
        ((HEADER, LINE.replace("3657,3994", "3657.0,3994.0")), {}),
        ((HEADER.removesuffix(",person_id"), LINE.removesuffix(",id10005").replace("sE,", "sE#id10005,")), {}),
        ((HEADER, LINE.replace("sE,", "sE#id10005,")), {}),
    ],
)
def test_the_form_of_the_table_is_no_matter(table, lines, form):
    assert read(table(*lines, **form)) == read(table(HEADER, LINE))


def test_a_clip_that_is_listed_again_is_a_row_with_its_reason(table):
    path = table(HEADER, LINE, OTHER, LINE, LINE.replace("624", "625"))
    found = read(path)
    assert [(row.clip_id[-7:], row.reason) for row in found] == [
        ("-003994", None),
        ("-000064", None),
        ("03994+2", "duplicate_row"),
        ("03994+3", "duplicate_row"),
    ]
    assert found[2].detail == f"{path}, line 4: the same stands in line 2"
    assert found[3].detail == f"{path}, line 5: the same clip, but not all else, stands in line 2"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (LINE.replace("WMh3ye5tBsE", "WMh3ye5t"), "video_id 'WMh3ye5t' is no id of YouTube's, of 11 letters"),
        (
            LINE.replace("id10005", "id100"),
            "person_id 'id100' is no identity, id and five digits, or not that of video_id",
        ),
        (LINE.replace("sE,", "sE#id10006,"), "person_id 'id10005' is no identity, id and five digits, or not that of"),
        (LINE.replace("3657", "-3"), "start '-3' is no whole number, or below 0"),
        (LINE.replace("3994", "x"), "end 'x' is no whole number, or below 0"),
        (LINE.replace("3994", "3657"), "end 3657 is not after start 3657"),
        (LINE.replace("3994", "365"), "end 365 is not after start 3657"),
        (LINE.replace(",25,", ",0,"), "fps '0' is no rate"),
        (LINE.replace(",25,", ",nan,"), "fps 'nan' is no rate"),
        (LINE.replace(",25,", ",PAL,"), "fps 'PAL' is no rate"),
        (LINE.replace("1280", "wide"), "width 'wide' is no whole number, or below 0"),
        (LINE.replace("train", "dev"), "partition 'dev' is neither train nor test"),
        (LINE.replace("624-48", "624,48"), "9 columns expected, separated by commas"),
        (LINE.removesuffix(",train,id10005"), "9 columns expected, separated by commas"),
        (LINE.replace("-553", ""), "bbox '624-48-1018' is not left-top-right-bottom"),
        (LINE.replace("1018", "624"), "bbox '624-48-624-553' has no size"),
        (LINE.replace("48-1018-553", "553-1018-48"), "bbox '624-553-1018-48' has no size"),
        (LINE.replace("624-48-1018", "1200-48-1400"), "bbox '1200-48-1400-553' is outside the picture of 1280×720"),
        (LINE.replace(",720,", ",200,"), "bbox '624-48-1018-553' is outside the picture of 1280×200"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_row_with_its_reason(table, line, words):
    path = table(HEADER, OTHER, line)
    _, row = read(path)
    assert row.reason == "bad_annotation"
    assert row.detail.startswith(f"{path}, line 3: {words}")
    assert CLIP_ID.fullmatch(row.clip_id)
    assert read(table(HEADER, line))[0].clip_id == row.clip_id


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([HEADER.replace("bbox,", ""), LINE], r"column \['bbox'\] is missing; the first line must name \('video_id'"),
        ([HEADER.removesuffix(",person_id"), LINE], "column person_id is missing, and video_id is no video#person"),
        ([""], "column .* is missing; the first line must name"),
        ([HEADER], "vox-metadata.csv lists no clip: fetch it again"),
        ([HEADER, '"' + "x" * 200_000 + '"'], "after line 1: field larger than field limit .*: fetch it again"),
    ],
)
def test_a_table_that_is_none_is_refused(table, lines, words):
    with pytest.raises(InputError, match=words):
        read(table(*lines))


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"corpora.vox.source '.*x.csv' is not there: name the vox-metadata.csv"):
        read(tmp_path / "x.csv")


def test_a_table_in_another_encoding_is_refused(table):
    with pytest.raises(InputError, match=r"vox-metadata.csv is not UTF-8: save it as UTF-8"):
        read(table(HEADER, LINE.replace("train", "tr\xe9in"), encoding="latin-1"))
