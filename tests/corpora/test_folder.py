"""Facts about a user's own videos: which rows a directory or a TSV becomes, and what is refused."""

import os
from collections import Counter

import pytest

from tavce.config.corpora import FolderCorpus, SpeakerSplit
from tavce.corpora.folder import rows, split_of
from tavce.corpora.source import Source
from tavce.records import InputError

SPLIT = SpeakerSplit(val=0.2, test=0.3, seed=1)


def corpus(source, **changes) -> FolderCorpus:
    return FolderCorpus(reader="folder", source=str(source), shards=2, split=SPLIT, **changes)


def read(source, **changes):
    return list(rows(Source("mine", corpus(source, **changes), 25)))


@pytest.fixture
def videos(tmp_path):
    """Four videos: two of Anna, one of Ben, one of nobody's folder."""
    for name in ("anna/1.mp4", "anna/deep/2.MOV", "ben/1.webm", "carl.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a TSV beside `a.mp4` and `b.mp4`."""
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").write_bytes(b"x")

    def write(*lines: str, encoding: str = "utf-8"):
        path = tmp_path / "clips.tsv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


def test_a_speaker_is_a_first_level_folder(videos):
    found = {row.clip_id: row.speaker for row in read(videos)}
    assert found == {"anna_1": "anna", "anna_deep_2": "anna", "ben_1": "ben", "carl": "carl"}


def test_every_file_is_a_speaker_of_its_own_where_asked(videos):
    found = {row.clip_id: row.speaker for row in read(videos, speakers="file")}
    assert found == {"anna_1": "anna/1", "anna_deep_2": "anna/deep/2", "ben_1": "ben/1", "carl": "carl"}


def test_a_row_of_a_directory_is_the_whole_video_with_its_stamp(videos):
    row = read(videos, licence="CC BY 4.0")[0]
    status = (videos / "anna/1.mp4").stat()
    assert (row.source, row.video_id) == (str(videos / "anna/1.mp4"), "anna/1.mp4")
    assert (row.start_frame, row.end_frame, row.reason) == (0, None, None)
    assert row.stamp == f"1-{status.st_mtime_ns}"
    assert row.licence == "CC BY 4.0"


def test_files_that_are_no_videos_are_left_out_with_a_word(videos, caplog):
    (videos / "notes.txt").write_text("x", encoding="utf-8")
    assert len(read(videos)) == 4
    assert "1 files are no videos by their name" in caplog.text


@pytest.mark.parametrize("name", [".hidden.mp4", ".trash/anna/3.mp4", "anna/._1.mp4"])
def test_hidden_files_and_folders_are_left_out(videos, name):
    (videos / name).parent.mkdir(parents=True, exist_ok=True)
    (videos / name).write_bytes(b"x")
    assert len(read(videos)) == 4


def test_a_name_in_another_script_is_a_speaker_too(videos):
    (videos / "Łucja 🎬\u200d.mp4").write_bytes(b"x")
    assert "Łucja 🎬\u200d" in {row.speaker for row in read(videos)}


def test_a_name_that_is_no_text_is_refused(videos):
    (videos / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"corpora.mine.source: the name of '.*caf.*mp4' is not UTF-8: rename the file"
    ):
        read(videos)


def test_a_directory_without_videos_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"corpora.mine.source '.*' holds no video: files end in \['.avi'"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "clips.csv"])
def test_a_source_that_is_neither_directory_nor_tsv_is_refused(tmp_path, name):
    (tmp_path / "clips.csv").touch()
    with pytest.raises(InputError, match=r"is neither a directory nor a .tsv file: correct the path"):
        read(tmp_path / name)


def test_a_tsv_gives_every_column(table, tmp_path):
    columns = "path\tspeaker\tsplit\tstart\tend\tclip_id\tvideo_id\tlicence"
    path = table(columns, "a.mp4\tanna\tval\t1.5\t3\tfirst\tvid\tCC0")
    (row,) = read(path)
    assert (row.clip_id, row.video_id, row.licence) == ("first", "vid", "CC0")
    assert (row.speaker, row.split) == ("anna", "val")
    assert row.source == str(tmp_path / "a.mp4")
    assert (row.start_frame, row.end_frame) == (38, 74)  # 1.5 s is half way between 37 and 38: to the even one
    assert row.stamp.startswith("1-")


def test_a_tsv_of_two_columns_takes_the_rest_from_the_corpus(table):
    (row,) = read(table("speaker\tpath", "anna\ta.mp4"), licence="CC0")
    assert (row.clip_id, row.video_id, row.licence) == ("a", "a.mp4", "CC0")
    assert (row.start_frame, row.end_frame) == (0, None)
    assert row.split == split_of("anna", SPLIT)


def test_clips_of_one_video_have_ids_of_their_own_and_one_video_id(table):
    found = read(table("path\tspeaker\tstart\tend", "a.mp4\tanna\t0\t4", "a.mp4\tanna\t4\t8"))
    assert [(row.clip_id, row.start_frame, row.end_frame) for row in found] == [
        ("a_000000", 0, 99),
        ("a_000100", 100, 199),
    ]
    assert {row.video_id for row in found} == {"a.mp4"}


def test_a_url_is_left_as_it_is(table):
    (row,) = read(table("path\tspeaker", "https://example.org/v?id=-x_1\tanna"))
    assert row.source == row.video_id == "https://example.org/v?id=-x_1"
    assert row.reason is None
    assert row.clip_id == "https_example.org_v_id_-x_1"


def test_a_wrong_path_is_a_row_with_its_reason(table, tmp_path):
    good, lost = read(table("path\tspeaker", "a.mp4\tanna", "c.mp4\tben"))
    assert good.reason is None
    assert lost.reason == "missing_file"
    assert lost.detail == f"{tmp_path}/c.mp4, named in {tmp_path}/clips.tsv, is not there"


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(table):
    (row,) = read(table("path\tspeaker\r", "a.mp4\tanna \r", encoding="utf-8-sig"))
    assert row.speaker == "anna"


def test_a_new_line_anywhere_in_a_tsv_changes_no_other_row(table):
    lines = ["a.mp4\tanna", "c.mp4\tben"]
    before = read(table("path\tspeaker", *lines))
    assert read(table("path\tspeaker", "b.mp4\tcarl", *lines))[1:] == before


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([""], r"column \['path', 'speaker'\] is missing; the first line must name the columns"),
        (["path\tname", "a.mp4\tanna"], r"column \['speaker'\] is missing"),
        (["path\tspeaker\tage", "a.mp4\tanna\t7"], r"column \['age'\] is unknown; columns are \['clip_id', 'end'"),
        (["path\tspeaker"], "clips.tsv lists no clip"),
        (["path\tspeaker", "a.mp4 anna"], "line 2: 2 columns expected, separated by tabs"),
        (["path\tspeaker", "a.mp4\tanna", "b.mp4\tben\tx"], "line 3: 2 columns expected"),
        (["path\tspeaker", "", "", "b.mp4\t"], "line 4: path and speaker must not be empty"),
        (["path\tspeaker\tsplit", "a.mp4\tanna\tdev"], "line 2: split 'dev' is none of train, val, test"),
        (["path\tspeaker\tstart", "a.mp4\tanna\t0:30"], "line 2: start '0:30' is no number of seconds"),
        (["path\tspeaker\tstart", "a.mp4\tanna\t-1"], "line 2: start '-1' is not in the video"),
        (["path\tspeaker\tend", "a.mp4\tanna\tnan"], "line 2: end 'nan' is not in the video"),
        (["path\tspeaker\tstart\tend", "a.mp4\tanna\t3\t2.5"], "line 2: end 2.5 is not after start 3"),
        (["path\tspeaker\tend", "a.mp4\tanna\t0"], "line 2: end 0 is not after start 0"),
        (["path\tspeaker\tclip_id", "a.mp4\tanna\t../a"], "line 2: clip_id '../a' is no file name"),
        (["path\tspeaker\tclip_id", "a.mp4\tanna\tx/y"], "line 2: clip_id 'x/y' is no file name"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(table, lines, words):
    with pytest.raises(InputError, match=words):
        read(table(*lines))


def test_a_table_in_another_encoding_is_refused(table):
    with pytest.raises(InputError, match="is not UTF-8: save it as UTF-8 text separated by tabs"):
        read(table("path\tspeaker", "a.mp4\tanna", encoding="utf-16"))


def test_a_speakers_split_does_not_depend_on_the_others(tmp_path):
    for name in ("anna.mp4", "ben.mp4"):
        (tmp_path / name).write_bytes(b"x")
    before = {row.speaker: row.split for row in read(tmp_path)}
    for number in range(30):
        (tmp_path / f"new{number}.mp4").write_bytes(b"x")
    after = {row.speaker: row.split for row in read(tmp_path)}
    assert {name: after[name] for name in before} == before


def test_splits_take_their_shares_of_many_speakers():
    counts = Counter(split_of(f"speaker {number}", SPLIT) for number in range(5000))
    assert counts["test"] / 5000 == pytest.approx(0.3, abs=0.02)
    assert counts["val"] / 5000 == pytest.approx(0.2, abs=0.02)


def test_another_seed_is_another_split():
    other = SPLIT.model_copy(update={"seed": 2})
    names = [f"speaker {number}" for number in range(50)]
    assert [split_of(name, SPLIT) for name in names] != [split_of(name, other) for name in names]


def test_a_share_of_1_is_everybody(videos):
    everybody = SpeakerSplit(val=0, test=1, seed=1)
    assert {split_of(f"speaker{number}", everybody) for number in range(50)} == {"test"}
