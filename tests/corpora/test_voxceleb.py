"""Facts about VoxCeleb's rows: what its annotation files become, in zips and folders, whole and damaged."""

import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from vox_files import NAME, VOX1, VOX2, annotation

from tavce.boxes import unpack
from tavce.config.corpora import VoxCelebCorpus
from tavce.corpora.folder import CLIP_ID
from tavce.corpora.official import TEST_IDENTITIES
from tavce.corpora.source import Source
from tavce.corpora.voxceleb import FEW, rows
from tavce.records import InputError

REAL = Path(__file__).parents[2].parent / "shared/data/voxceleb1"
BOM = b"\xef\xbb\xbf"
OFFICIAL = {"val": 0.0, "test": "official", "seed": 1}


def source(path, reader="voxceleb1", rate_hz=25, **split) -> Source[VoxCelebCorpus]:
    said = {"reader": reader, "source": str(path), "shards": 2, "split": {**OFFICIAL, **split}}
    return Source("vox", VoxCelebCorpus.model_validate(said), rate_hz)


def read(path, reader="voxceleb1", **split):
    return list(rows(source(path, reader, **split)))


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes an annotation file, and returns the folder that holds them all."""

    def write(data: bytes, name: str = NAME) -> Path:
        path = tmp_path / "vox/txt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return tmp_path / "vox"

    return write


def pack(path: Path, *names: str, text=annotation) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(f"txt/{name}", text(name))
    return path


def test_a_file_becomes_a_row(folder):
    (row,) = read(folder(annotation()))
    assert row.model_dump(exclude_defaults=True) == {
        "clip_id": "id10270-5r0dWxy17C8-00001",
        "dataset": "vox",
        "split": "test",
        "speaker": "id10270",
        "video_id": "5r0dWxy17C8",
        "source": "https://www.youtube.com/watch?v=5r0dWxy17C8",
        "start_frame": 594,
        "end_frame": 596,
        "audio_offset_frames": -2,
        "boxes": "px360|2*154 105 91 91|1*164 105 91 90",
        "licence": "CC BY 4.0 (annotations; the videos are their owners')",
    }


@pytest.mark.parametrize("first_frame", [0, 149_998, 987_654])
def test_frames_count_from_anywhere_in_a_video(folder, first_frame):
    (row,) = read(folder(annotation(first_frame=first_frame)))
    assert (row.start_frame, row.end_frame) == (first_frame, first_frame + 2)


def test_boxes_of_voxceleb1_are_pixels_of_360_lines_and_those_of_voxceleb2_fractions(folder):
    (one,) = read(folder(annotation()))
    np.testing.assert_allclose(unpack(one.boxes, 1280, 720)[2], [328, 210, 510, 390])
    (two,) = read(folder(annotation(boxes=VOX2)), "voxceleb2")
    np.testing.assert_allclose(unpack(two.boxes, 1000, 1000)[2], [330, -10, 754, 743], rtol=1e-6)


@pytest.mark.parametrize("video_id", ["-x_0dWxy1_-", "_x-0dWxy1-_", "-----------"])
def test_a_video_id_may_begin_with_a_dash_or_a_line(folder, video_id):
    name = f"id10001/{video_id}/00001.txt"
    (row,) = read(folder(annotation(name), name))
    assert row.source == f"https://www.youtube.com/watch?v={video_id}"
    assert row.clip_id == f"id10001-{video_id}-00001"
    assert CLIP_ID.fullmatch(row.clip_id)


def test_a_zip_is_read_as_the_folder_it_was_made_from(folder, tmp_path):
    names = [f"id1000{one}/vvvvvvvvvv{one}/0000{one}.txt" for one in range(1, 6)]
    for name in names:
        unpacked = folder(annotation(name), name)
    packed = read(pack(tmp_path / "vox1_dev_txt.zip", *names[::-1]))
    assert packed == read(unpacked)
    assert [row.speaker for row in packed] == ["id10001", "id10002", "id10003", "id10004", "id10005"]


def test_a_directory_may_hold_zips_and_folders_at_any_depth(folder, tmp_path):
    place = folder(annotation())
    pack(place / "deep/vox1_dev_txt.zip", "id10001/vvvvvvvvvvv/00001.txt")
    pack(place / "vox2_dev_txt.zip", "id00012/vvvvvvvvvvv/00001.txt")
    pack(place / "vox1_dev_wav.zip", "id10002/vvvvvvvvvvv/00001.txt")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/id10003").symlink_to(place / "txt/id10270")
    (place / "linked").symlink_to(tmp_path / "elsewhere")
    assert [(row.clip_id, row.reason) for row in read(place)] == [
        ("id10001-vvvvvvvvvvv-00001", None),
        ("id10003-5r0dWxy17C8-00001", "bad_annotation"),  # it says that it is id10270
        ("id10270-5r0dWxy17C8-00001", None),
    ]


def test_files_that_are_no_annotations_are_left_out_with_a_word(folder, tmp_path, caplog):
    folder(b"x", "../vox1_meta.txt")
    assert len(read(folder(annotation()))) == 1
    assert "1 files are no annotations of this corpus, such as" in caplog.text
    packed = pack(tmp_path / "a_txt.zip", NAME, "README", text=lambda name: annotation())
    assert len(read(packed)) == 1
    assert "1 files in it are no annotations by their name" in caplog.text


def test_what_file_managers_leave_is_nothing(folder, tmp_path, caplog):
    left = ("id10270/5r0dWxy17C8/._00001.txt", "__MACOSX/id10270/5r0dWxy17C8/00001.txt", ".trash/id1/vid/00001.txt")
    assert len(read(pack(tmp_path / "a_txt.zip", NAME, *left, text=lambda name: annotation()))) == 1
    for name in left:
        folder(annotation(), name)
    assert len(read(folder(annotation()))) == 1
    assert caplog.text == ""


def test_a_folder_that_cannot_be_read_is_refused(folder, monkeypatch):
    place = folder(annotation())
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("5r0dWxy17C8"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root, who runs tests in containers, may read everything
    with pytest.raises(InputError, match=r"id10270/5r0dWxy17C8 cannot be read: .*Permission denied"):
        read(place)


def test_an_utterance_that_is_found_again_is_a_row_with_its_reason(folder):
    place = folder(annotation())
    pack(place / "vox1_txt.zip", NAME)
    pack(place / "zz_txt.zip", NAME)
    found = read(place)
    assert [(row.clip_id, row.reason) for row in found] == [
        ("id10270-5r0dWxy17C8-00001", None),
        ("id10270-5r0dWxy17C8-00001+2", "duplicate_row"),
        ("id10270-5r0dWxy17C8-00001+3", "duplicate_row"),
    ]
    assert found[2].detail == f"{place}/txt/{NAME}: the utterance was read from {place}/vox1_txt.zip, too"
    assert all(CLIP_ID.fullmatch(row.clip_id) for row in found)


TEXT = annotation()
TABLE = TEXT.index(b"FRAME")


@pytest.mark.parametrize(
    "data",
    [
        BOM + TEXT,
        TEXT.replace(b"\n", b"\r\n"),
        TEXT + b"\n \n",
        TEXT.replace(b" \n", b"\n").replace(b" \t", b" "),
        TEXT.replace(b" \n", b"\n").rstrip(),
        TEXT[:-1],
        TEXT.replace(b"\n000595", b"\n\n000595"),
        TEXT.replace(b"000595 \t", b"595\t"),
        TEXT.replace(b"FV Conf   : \t20.230\n", b""),
    ],
)
def test_blanks_and_line_ends_are_no_matter(folder, data):
    assert read(folder(data)) == read(folder(TEXT))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (BOM + b" \r\n", "it is empty"),
        (TEXT[:40], "Reference '5r0dWx' is not 5r0dWxy17C8, in whose folder it is"),
        (TEXT[:20], "line 'Reference' is missing"),
        (TEXT[:TABLE], "no line begins with FRAME: it was cut, or is no annotation"),
        (TEXT[TABLE:], "line 'Identity' is missing"),
        (TEXT[: TABLE + 14], "line 7: column H is missing"),
        (TEXT[: TABLE + 18], "no frame is listed: it was cut"),
        (TEXT[:-2], "line 10: it was cut within this line"),
        (TEXT[:-5], "line 10: 4 columns, not 5: it was cut"),
        (TEXT.replace(b"\tW ", b""), "line 7: column W is missing"),
        (TEXT.replace(b"\tX \tY ", b"\tY \tX "), "line 7: columns are not FRAME X Y W H, in this order"),
        (TEXT.replace(b"595 \t154", b"595 \t"), "line 9: 4 columns, not 5"),
        (TEXT.replace(b"595 \t154", b"595 \t154 \t1"), "line 9: 6 columns, not 5"),
        (TEXT.replace(b"000595", b"0005x5"), "line 9: frame '0005x5' is no number"),
        (TEXT.replace(b"000595", b"000598"), "line 9: frame 598 follows 594: frames must count up by one"),
        (TEXT.replace(b"000595", b"000593"), "line 9: frame 593 follows 594: frames must count up by one"),
        (TEXT.replace(b"\n000596", b"\n000595"), "line 10: frame 595 follows 595: frames must count up by one"),
        (TEXT.replace(b"\t164", b"\tnan"), "line 10: box 'nan 105 91 90' is not four numbers"),
        (TEXT.replace(b"\t164", b"\t1-4"), "line 10: box '1-4 105 91 90' is not four numbers"),
        (TEXT.replace(b"\t164", b"\t1e2"), "line 10: box '1e2 105 91 90' is not four numbers"),
        (TEXT.replace(b"\t90", b"\t0"), "line 10: box '164 105 91 0' has no size"),
        (TEXT.replace(b"\t90", b"\t-90"), "line 10: box '164 105 91 -90' has no size"),
        (TEXT.replace(b"\t164", b"\t-50"), "line 10: box '-50 105 91 90' is outside the picture"),
        (TEXT.replace(b"\t164 \t105", b"\t164 \t330"), "line 10: box '164 330 91 90' is outside the picture"),
        (TEXT.replace(b"\t164", b"\t1500"), "line 10: box '1500 105 91 90' is outside the picture"),
        (annotation(boxes=VOX2), "line 8: box '0.319 0.067 0.424 0.753' is in fractions: set reader: voxceleb2"),
        (TEXT.replace(b"id10270", b"id10271"), "Identity 'id10271' is not id10270, in whose folder it is"),
        (TEXT.replace(b"id10270", b"id\xe910270"), "it is not text: 'ascii' codec can't decode byte 0xe9 in position"),
        (annotation(offset="1.5"), "Offset '1.5' is no whole number"),
        (TEXT.replace(b"Offset", b"Onset"), "line 'Offset' is missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_row_with_its_reason(folder, data, words):
    place = folder(data)
    (row,) = read(place)
    assert row.reason == "bad_annotation"
    assert row.detail.startswith(f"{place}/txt/{NAME}: {words}")
    assert (row.clip_id, row.boxes, row.end_frame) == ("id10270-5r0dWxy17C8-00001", "", None)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ("154 105 91 91", "is in pixels: set reader: voxceleb1"),
        ("0.9 0.067 0.424 0.753", "is outside the picture"),
        ("0.319 -0.5 0.424 0.753", "is outside the picture"),
    ],
)
def test_a_box_that_is_no_fraction_of_the_picture_is_refused(folder, box, words):
    (row,) = read(folder(annotation(boxes=[*VOX2, box])), "voxceleb2")
    assert row.detail.endswith(f"line 11: box '{box}' {words}")


@pytest.mark.parametrize("box", ["-40 105 91 91", "154 -40 91 91", "154 310 91 91", "0.5 .5 91. 91"])
def test_a_face_may_leave_the_picture_by_half(folder, box):
    assert read(folder(annotation(boxes=[box])))[0].reason is None


@pytest.mark.parametrize(
    "name", ["id10270/short/00001.txt", "id1027/5r0dWxy17C8/00001.txt", "id10270/5r0dWxy17C8/1.txt"]
)
def test_a_file_with_another_name_is_a_row_with_its_reason(folder, name):
    place = folder(annotation(), name)
    (row,) = read(place)
    assert row.reason == "bad_annotation"
    assert row.detail == f"{place}/txt/{name}: it is not named idNNNNN/<YouTube id, 11 letters>/NNNNN.txt"
    assert row.clip_id.startswith("unnamed-")
    assert row.video_id == row.clip_id


def test_a_name_that_is_no_text_is_told_as_it_is(folder):
    (row,) = read(folder(annotation(), os.fsdecode(b"id10270/caf\xe9/00001.txt")))
    assert "id10270/caf\\udce9/00001.txt: it is not named" in row.detail
    assert row.model_dump_json()


def test_a_damaged_place_in_a_zip_costs_one_row(tmp_path):
    names = [f"id10001/vvvvvvvvvvv/0000{number}.txt" for number in range(3)]
    packed = pack(tmp_path / "vox1_dev_txt.zip", *names)
    data = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as file:
        at = file.getinfo(f"txt/{names[1]}").header_offset
    data[at + 100] ^= 0xFF
    packed.write_bytes(bytes(data))
    assert [row.reason for row in read(packed)] == [None, "bad_annotation", None]
    assert f"{names[1]} in {packed}: the zip is damaged there" in read(packed)[1].detail


@pytest.mark.parametrize("reader", ["voxceleb1", "voxceleb2"])
def test_the_official_test_is_the_authors(tmp_path, reader):
    assert len(TEST_IDENTITIES[reader]) == {"voxceleb1": 40, "voxceleb2": 118}[reader]
    test = sorted(TEST_IDENTITIES[reader])[0]
    names = [f"{one}/vvvvvvvvvvv/00001.txt" for one in (test, "id09999")]
    packed = pack(
        tmp_path / "a_txt.zip", *names, text=lambda name: annotation(name, VOX1 if reader[-1] == "1" else VOX2)
    )
    assert {row.speaker: row.split for row in read(packed, reader)} == {test: "test", "id09999": "train"}


def test_a_list_may_name_a_clip_a_video_or_a_speaker(tmp_path):
    names = ["id10001/aaaaaaaaaaa/00001.txt", "id10001/aaaaaaaaaaa/00002.txt", "id10002/bbbbbbbbbbb/00001.txt"]
    names += ["id10003/ccccccccccc/00001.txt", "id10004/-dddddddddd/00001.txt"]
    (tmp_path / "test.txt").write_text("id10001/aaaaaaaaaaa/00002.wav\nid10002\nid10003/ccccccccccc\n-dddddddddd\n")
    found = read(pack(tmp_path / "a.zip", *names), test=str(tmp_path / "test.txt"))
    assert [row.split for row in found] == ["train", "test", "test", "test", "test"]


def test_a_name_of_nobody_in_a_list_is_refused_at_the_end(folder, tmp_path):
    (tmp_path / "val.txt").write_text("id10270\nid10271\n")
    found = rows(source(folder(annotation()), val=str(tmp_path / "val.txt"), test=0.0))
    assert next(found).split == "val"
    with pytest.raises(
        InputError, match=r"1 of 2 names in .*val.txt are no clip, video or speaker of this .*: id10271"
    ):
        next(found)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "'.*nowhere' is not there: give vox1_dev_txt.zip, or a directory with it or with txt/"),
        (".", "holds no idNNNNN/<YouTube id>/NNNNN.txt: give vox1_dev_txt.zip"),
        ("broken_txt.zip", "broken_txt.zip is no zip, or not all of one: fetch it again"),
        ("other.zip", "other.zip' holds no idNNNNN/<YouTube id>/NNNNN.txt"),
    ],
)
def test_a_source_without_annotations_is_refused(tmp_path, path, words):
    if path == "broken_txt.zip":
        (tmp_path / path).write_bytes(b"<html>404</html>")
    if path == "other.zip":
        pack(tmp_path / path, "readme.txt", text=lambda name: "read me")
    with pytest.raises(InputError, match=words):
        read(tmp_path / path)


def test_a_file_that_cannot_be_read_is_refused(folder):
    place = folder(annotation())
    (place / "txt/id10270/5r0dWxy17C8/00002.txt").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"00002.txt cannot be read: .*No such file"):
        read(place)


def test_frames_at_another_rate_are_refused(folder):
    with pytest.raises(InputError, match=r"corpora.vox: voxceleb1 has a box for every frame at 25 a second: set trim"):
        next(rows(source(folder(annotation()), rate_hz=30)))


META = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA\tm\tIreland\tdev\nid10270\tB\tf\tUSA\t{}\n"


@pytest.mark.parametrize("place", ["vox", "."])
def test_the_authors_table_must_not_say_otherwise(folder, tmp_path, place):
    vox = folder(annotation())
    table = tmp_path / place / "vox1_meta.csv"
    table.write_text(META.format("test"))
    assert len(read(vox)) == 1
    table.write_text(META.format("dev"))
    with pytest.raises(
        InputError, match=r"vox1_meta.csv divides voxceleb1 otherwise than published: id10270 dev: fetch"
    ):
        read(vox)
    assert len(read(vox, test=0.5)) == 1


@pytest.mark.parametrize("reader", ["voxceleb2"])
def test_the_table_of_voxceleb2_is_separated_by_commas(tmp_path, reader):
    packed = pack(
        tmp_path / "vox2_test_txt.zip", "id00017/vvvvvvvvvvv/00001.txt", text=lambda name: annotation(name, VOX2)
    )
    (tmp_path / "vox2_meta.csv").write_text("VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00017 ,n000017 ,m ,dev \n")
    with pytest.raises(InputError, match=r"vox2_meta.csv divides voxceleb2 otherwise than published: id00017 dev"):
        read(packed, reader)


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"id,name\n", "no column is named Set"), (b"", "no column is named Set"), (b"\xe9", "is not UTF-8")],
)
def test_a_table_that_cannot_be_read_is_refused(folder, tmp_path, data, words):
    (tmp_path / "vox1_meta.csv").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read(folder(annotation()))


def test_many_files_are_read_by_several_processes_in_order(tmp_path):
    names = [f"id10001/vvvvvvvvvvv/{number:05d}.txt" for number in range(FEW + 500)]
    text = {name: annotation(name, first_frame=number) for number, name in enumerate(names)}
    text[names[7]] = b""
    found = read(pack(tmp_path / "vox1_dev_txt.zip", *names[::-1], text=text.__getitem__))
    assert [row.clip_id[-5:] for row in found] == [name[-9:-4] for name in names]
    assert [row.start_frame for row in found] == [0 if number == 7 else number for number in range(len(names))]
    assert [row.reason for row in found if row.reason] == ["bad_annotation"]


def test_a_reader_may_stop_early(tmp_path):
    names = [f"id10001/vvvvvvvvvvv/{number:05d}.txt" for number in range(FEW + 1)]
    found = rows(source(pack(tmp_path / "vox1_dev_txt.zip", *names)))
    assert next(found).clip_id == "id10001-vvvvvvvvvvv-00000"
    found.close()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"VoxCeleb1's annotations are not in {REAL}")
def test_every_line_of_the_published_files_is_a_frame():
    found = read(REAL)
    files = sorted(REAL.rglob("*.txt"))
    assert len(found) == len(files) == 63
    assert {row.reason for row in found} == {None}
    lines = sum(len(path.read_text().splitlines()) - 7 for path in files)
    assert sum(row.end_frame - row.start_frame + 1 for row in found) == lines == 10_123
    assert sum(len(unpack(row.boxes, 640, 360)) for row in found) == lines
    assert Counter(row.split for row in found if row.speaker == "id10271").keys() == {"test"}
    first = next(row for row in found if row.clip_id == "id10092-22Lt2SMT6u4-00001")
    assert (first.start_frame, first.end_frame, first.audio_offset_frames) == (170, 297, 0)
