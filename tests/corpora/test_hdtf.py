"""Facts about HDTF's rows: what its text files become, as published and with all that may be wrong in them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tavce.boxes import unpack
from tavce.config.corpora import HdtfCorpus
from tavce.corpora.folder import CLIP_ID
from tavce.corpora.hdtf import rows
from tavce.corpora.source import Source
from tavce.records import InputError

REAL = Path(__file__).parents[2].parent / "shared/data/hdtf"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"HDTF's text files are not in {REAL}")
WATCH = "https://www.youtube.com/watch?v="
FILES = {
    "RD_video_url": f"Radio11 {WATCH}aaaaaaaaaaa&t=6s",
    "RD_annotion_time": "Radio11.mp4 00:30-01:00 01:30-1:02:30 ",
    "RD_crop_wh": "Radio11_0.mp4 412 599 10 600\nRadio11_1.mp4 557 478 0 478",
    "RD_crop_ratio": "Radio11_0.mp4 1.2\nRadio11_1.mp4 1.2",
    "RD_resolution": "Radio11.mp4 720",
    "WDA_video_url": f"AmySmith1 {WATCH}bbbbbbbbbbb",
    "WDA_annotion_time": "AmySmith1.mp4 00:05-00:15",
    "WDA_crop_wh": "AmySmith1_0.mp4 1 2 3 4",
    "WDA_crop_ratio": "AmySmith1_0.mp4 1.2",
    "WDA_resolution": "AmySmith1.mp4 360",
    "WRA_video_url": f"BenSmith {WATCH}ccccccccccc",
    "WRA_annotion_time": "BenSmith.mp4 00:05-00:15",
    "WRA_crop_wh": "BenSmith_0.mp4 1 2 3 4",
    "WRA_crop_ratio": "BenSmith_0.mp4 1.2",
    "WRA_resolution": "BenSmith.mp4 360",
}


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes the files, some of them changed, and returns their folder."""

    def write(**changes: str) -> Path:
        for name, text in {**FILES, **changes}.items():
            (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def read(path, rate_hz=25, **split):
    said = {"reader": "hdtf", "source": str(path), "shards": 2, "split": {"val": 0.0, "test": 0.0, "seed": 1, **split}}
    return list(rows(Source("hdtf", HdtfCorpus.model_validate(said), rate_hz)))


def row_of(path, clip_id):
    (row,) = (row for row in read(path) if row.clip_id == clip_id)
    return row


def test_an_interval_becomes_a_row(folder):
    row = read(folder())[0]
    assert row.model_dump(exclude_defaults=True) == {
        "clip_id": "RD_Radio11_0",
        "dataset": "hdtf",
        "split": "train",
        "speaker": "Radio",
        "video_id": "aaaaaaaaaaa",
        "source": f"{WATCH}aaaaaaaaaaa",
        "start_frame": 750,
        "end_frame": 1499,
        "boxes": "px720|750*412 10 599 600",
        "licence": "CC BY 4.0 (annotations; the videos are their owners')",
    }


def test_clips_are_those_of_all_three_subsets(folder):
    found = read(folder())
    assert [row.clip_id for row in found] == ["RD_Radio11_0", "RD_Radio11_1", "WDA_AmySmith1_0", "WRA_BenSmith_0"]
    assert [row.speaker for row in found] == ["Radio", "Radio", "AmySmith", "BenSmith"]
    assert {row.reason for row in found} == {None}


def test_times_may_have_hours(folder):
    row = read(folder())[1]
    assert (row.start_frame, row.end_frame) == (90 * 25, 3750 * 25 - 1)


def test_a_time_is_the_same_at_another_rate(folder):
    row = read(folder(), rate_hz=50)[0]
    assert (row.start_frame, row.end_frame) == (1500, 2999)
    assert len(unpack(row.boxes, 1280, 720)) == 1500


def test_a_crop_is_left_width_top_and_height(folder):
    row = read(folder())[0]
    np.testing.assert_array_equal(unpack(row.boxes, 1280, 720)[0], [412, 10, 1011, 610])


@pytest.mark.parametrize(
    ("resolution", "unit", "note"),
    [
        ("Radio11.mp4 714", "px714", ""),
        ("Radio11.mp4 610", "px610", ""),
        ("Radio11.mp4 0", "px720", "the box ends at line 610, the resolution given is 0: taken to be 720 lines"),
        ("Radio11.mp4 360", "px720", "the box ends at line 610, the resolution given is 360: taken to be 720 lines"),
        ("Radio11.mp4 x", "px720", "the box ends at line 610, the resolution given is x: taken to be 720 lines"),
        ("Radio12.mp4 720", "px720", "the box ends at line 610, the resolution given is none: taken to be 720 lines"),
    ],
)
def test_a_box_that_does_not_fit_is_in_the_next_usual_height(folder, resolution, unit, note):
    row = row_of(folder(RD_resolution=resolution), "RD_Radio11_0")
    assert (row.reason, row.boxes.split("|")[0], row.detail) == (None, unit, note)


@pytest.mark.parametrize("address", ["https://youtu.be/aaaaaaaaaaa", "www.youtube.com/embed/aaaaaaaaaaa?start=5"])
def test_any_address_of_youtubes_becomes_that_of_its_page(folder, address):
    assert read(folder(RD_video_url=f"Radio11 {address}")) == read(folder())


def test_any_other_address_is_kept(folder):
    row = read(folder(RD_video_url="Radio11 https://example.org/a.mp4"))[0]
    assert row.source == row.video_id == "https://example.org/a.mp4"


@pytest.mark.parametrize("change", ["\ufeff{}", "{}\r\n", "{} \n\n", "\n{}"])
def test_marks_blanks_and_line_ends_are_no_matter(folder, change):
    expected = read(folder())
    assert read(folder(**{name: change.format(text) for name, text in FILES.items()})) == expected


@pytest.mark.parametrize(
    ("file", "text", "clip_id", "words"),
    [
        ("RD_annotion_time", "Radio12 0:1-0:2", "RD_Radio11_0", "Radio11_0 is not in RD_annotion_time.txt in {}"),
        (
            "RD_annotion_time",
            "Radio11.mp4 00:30-01:00",
            "RD_Radio11_1",
            "Radio11_1 is not in RD_annotion_time.txt in {}",
        ),
        ("RD_crop_wh", "Radio11_1.mp4 557 478 0 478", "RD_Radio11_0", "Radio11_0 is not in RD_crop_wh.txt in {}"),
        ("RD_video_url", f"Radio1 {WATCH}eeeeeeeeeee", "RD_Radio11_0", "Radio11_0 is not in RD_video_url.txt in {}"),
        (
            "RD_crop_ratio",
            "Radio3_0.mp4 1.2",
            "RD_Radio3_0",
            "Radio3_0 is not in RD_video_url.txt, RD_annotion_time.txt, R",
        ),
        (
            "RD_resolution",
            "Radio24.mp4 720",
            "RD_Radio24",
            "Radio24 is not in RD_video_url.txt, RD_annotion_time.txt, RD",
        ),
        ("RD_annotion_time", "Radio11.mp4", "RD_Radio11_0", "Radio11_0 is not in RD_annotion_time.txt in {}"),
    ],
)
def test_what_lacks_something_is_a_row_that_names_it(folder, file, text, clip_id, words):
    path = folder(**{file: text})
    row = row_of(path, clip_id)
    assert row.reason == "missing_annotation"
    assert row.detail.startswith(words.format(path))
    assert (row.boxes, row.end_frame) == ("", None)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("RD_annotion_time", "Radio11.mp4 0030-0100 01:30-02:30", "'0030-0100' is no time, mm:ss-mm:ss"),
        ("RD_annotion_time", "Radio11.mp4 00:30-00:75 01:30-02:30", "'00:30-00:75' is no time, mm:ss-mm:ss"),
        ("RD_annotion_time", "Radio11.mp4 01:00-00:30 01:30-02:30", "'01:00-00:30' ends before it begins"),
        ("RD_annotion_time", "Radio11.mp4 01:00-01:00 01:30-02:30", "'01:00-01:00' ends before it begins"),
        ("RD_crop_wh", "Radio11_0.mp4 412 599 0", "crop '412 599 0' is not left, width, top and height"),
        ("RD_crop_wh", "Radio11_0.mp4 -4 599 0 599", "crop '-4 599 0 599' is not left, width, top and height"),
        ("RD_crop_wh", "Radio11_0.mp4 412 0 0 599", "crop '412 0 0 599' has no size"),
        ("RD_crop_wh", "Radio11_0.mp4 412 599 2000 599", "the box ends at line 2599: pictures have at most 2160"),
        ("RD_video_url", "Radio11 aaaaaaaaaaa", "'aaaaaaaaaaa' is no address"),
        ("RD_video_url", "Radio11", "'' is no address"),
        ("RD_video_url", "Radio11 https://example.org/a b", "'https://example.org/a b' is no address"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_row_with_its_reason(folder, file, text, words):
    path = folder(**{file: f"Radio12 x\n{text}"})
    row = row_of(path, "RD_Radio11_0")
    assert (row.reason, row.detail) == ("bad_annotation", f"{path}/{file}.txt, line 2: {words}")


def test_one_bad_interval_leaves_the_others(folder):
    found = read(folder(RD_annotion_time="Radio11.mp4 01:00-00:30 01:30-02:30"))
    assert [row.reason for row in found] == ["bad_annotation", None, None, None]


@pytest.mark.parametrize(
    ("file", "line", "clip_id"),
    [
        ("RD_crop_wh", "Radio11_0.mp4 1 2 3 4", "RD_Radio11_0+2"),
        ("RD_crop_wh", "Radio11_000.mp4 1 2 3 4", "RD_Radio11_0+2"),
        ("RD_annotion_time", "Radio11.mp4 00:00-00:01", "RD_Radio11"),
        ("RD_video_url", f"Radio11.mp4 {WATCH}ddddddddddd", "RD_Radio11"),
    ],
)
def test_a_line_that_is_said_again_is_a_row_with_its_reason_and_the_first_is_used(folder, file, line, clip_id):
    expected = read(folder())
    path = folder(**{file: f"{FILES[file]}\n{line}"})
    *first, again = read(path)
    assert first == expected
    assert (again.clip_id, again.reason) == (clip_id, "duplicate_row")
    assert again.detail.endswith("stands in line 1, too, which is used")
    assert CLIP_ID.fullmatch(again.clip_id)


def test_a_crop_without_the_number_of_its_clip_is_a_row_with_its_reason(folder):
    path = folder(RD_crop_wh=f"{FILES['RD_crop_wh']}\nRadio11.mp4 1 2 3 4")
    row = read(path)[-1]
    assert (row.clip_id, row.reason) == ("RD_Radio11", "bad_annotation")
    assert row.detail == f"{path}/RD_crop_wh.txt, line 3: 'Radio11' is no clip: a number is missing, as in Radio11_0"


def test_a_name_that_is_no_file_name_is_a_digest(folder):
    row = read(folder(RD_video_url=f"{FILES['RD_video_url']}\n../Rádio {WATCH}ddddddddddd"))[2]
    assert row.reason == "missing_annotation"
    assert row.clip_id.startswith("RD_unnamed-")
    assert row.detail.startswith("../Rádio is not in RD_annotion_time.txt")


@pytest.mark.parametrize(
    "name", ["Radio11_0", "RD_Radio11_0", "Radio11_000", "RD_Radio11_000", "RD_Radio11_000.mp4", "Radio11_0.mp4"]
)
def test_a_list_may_name_a_clip_as_either_publication_does(folder, tmp_path, name):
    (tmp_path / "list").write_text(name)
    assert [row.split for row in read(folder(), test=str(tmp_path / "list"))] == ["test", "train", "train", "train"]


@pytest.mark.parametrize("name", ["Radio11", "RD_Radio11", "Radio11.mp4", "Radio"])
def test_a_list_may_name_a_video_or_a_speaker(folder, tmp_path, name):
    (tmp_path / "list").write_text(name)
    assert [row.split for row in read(folder(), val=str(tmp_path / "list"))] == ["val", "val", "train", "train"]


def test_a_name_of_nobody_in_a_list_is_refused(folder, tmp_path):
    (tmp_path / "list").write_text("WDA_Radio11_000")
    with pytest.raises(InputError, match=r"1 of 1 names in .*list are no clip, video or speaker .*: WDA_Radio11_000"):
        read(folder(), val=str(tmp_path / "list"))


@pytest.mark.parametrize("seed", range(8))
def test_speakers_whose_names_share_a_video_are_put_together_by_shares(folder, seed):
    shared = {"WRA_video_url": f"BenSmith {WATCH}bbbbbbbbbbb", "WDA_video_url": f"AmySmith1 {WATCH}bbbbbbbbbbb"}
    *_, amy, ben = read(folder(**shared), test=0.5, seed=seed)
    assert (amy.video_id, amy.speaker, ben.speaker) == (ben.video_id, "AmySmith", "BenSmith")
    assert amy.split == ben.split


@pytest.mark.parametrize("name", [*FILES])
def test_a_file_that_is_not_there_is_named(folder, name):
    path = folder()
    (path / f"{name}.txt").unlink()
    with pytest.raises(
        InputError, match=rf"{name}.txt is not there: fetch HDTF_dataset of github.com/MRzzm/HDTF again"
    ):
        read(path)


def test_a_file_that_is_empty_or_no_text_is_refused(folder):
    with pytest.raises(InputError, match=r"WDA_crop_wh.txt is empty: fetch HDTF_dataset"):
        read(folder(WDA_crop_wh=" \n"))
    path = folder()
    (path / "WRA_crop_wh.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"WRA_crop_wh.txt cannot be read: 'utf-8' codec .*: fetch HDTF_dataset"):
        read(path)


def test_a_source_that_is_no_directory_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"corpora.hdtf.source '.*nowhere' is no directory: name the one of HDTF's text"
    ):
        read(tmp_path / "nowhere")


def test_hdtf_has_no_official_split(folder):
    with pytest.raises(InputError, match=r"corpora.hdtf.split.test: nobody published an official split"):
        read(folder(), test="official")


@needs_real
def test_the_published_files_give_421_clips_and_every_other_has_its_reason():
    found = read(REAL)
    assert len(found) == len({row.clip_id for row in found}) == 437
    assert Counter(row.reason for row in found) == {None: 421, "missing_annotation": 16}
    lost = {row.clip_id for row in found if row.reason}
    assert lost == {"RD_Radio24"} | {
        *("RD_Radio6_0", "RD_Radio15_0", "WDA_ByronDorgan0_0", "WDA_DeanPhillips_0", "WDA_JeffMerkley0_0"),
        *("WDA_JimMcGovern1_0", "WDA_JimMcGovern_0", "WDA_LindaSnchez_0", "WRA_BillCassidy_0", "WRA_CandiceMiller_0"),
        *("WRA_DuncanHunter_1", "WRA_JaimeHerreraBeutler_0", "WRA_KevinBrady0_0", "WRA_MittRomney_1"),
        "WRA_RudyGiuliani_0",
    }
    hours = sum(row.end_frame - row.start_frame + 1 for row in found if row.reason is None) / 25 / 3600
    assert hours == pytest.approx(16.35, abs=0.005)
    assert all(
        len(unpack(row.boxes, 100, 100)) == row.end_frame - row.start_frame + 1 for row in found if not row.reason
    )
    assert len({row.speaker for row in found}) == 221


@needs_real
def test_irregular_heights_of_the_published_files_are_kept_where_the_box_fits_and_else_noted():
    found = {row.clip_id: row for row in read(REAL)}
    units = {clip_id: row.boxes.split("|")[0] for clip_id, row in found.items()}
    assert (units["WDA_DanKildee_0"], units["RD_Radio56_0"]) == ("px360", "px2160")
    assert "px714" in units.values()
    assert "px700" in units.values()
    noted = {clip_id: units[clip_id] for clip_id, row in found.items() if row.detail and row.reason is None}
    assert noted == {
        "WDA_MazieHirono1_0": "px1440",
        "WDA_MaggieHassan_0": "px1080",
        "WRA_KevinMcCarthy1_0": "px480",
        "WRA_KevinMcCarthy1_1": "px480",
        "WRA_PeterKing_0": "px1080",
    }


@needs_real
def test_two_names_of_one_published_video_share_it():
    found = {row.clip_id: row for row in read(REAL)}
    assert found["WDA_WhipJimClyburn_0"].video_id == found["WDA_JamesClyburn1_0"].video_id == "gh3YqnvNdio"
    sources = {(row.video_id, row.source) for row in found.values()}
    assert len(sources) == len({row.video_id for row in found.values()}) == 369
