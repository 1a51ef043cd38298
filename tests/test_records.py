"""Facts about sheet rows and clip records."""

import pytest
from pydantic import ValidationError

from tavce.records import ClipError, ClipRecord, Reason, Row, read_records, read_rows, write_lines

ROW = Row(clip_id="a", dataset="mine", split="train", speaker="anna", video_id="a.mp4", source="/videos/a.mp4")
RECORD = ClipRecord(clip_id="a", dataset="mine", split="train", speaker="anna", stage="trim", version=1)


@pytest.mark.parametrize("frames", [(5, 4), (-1, 4), (-1, None)])
def test_frames_out_of_order_are_refused(frames):
    start, end = frames
    with pytest.raises(ValidationError, match=rf"a: frames {start}\.\.{end} are not in order"):
        Row(**{**ROW.model_dump(), "start_frame": start, "end_frame": end})


def test_a_row_of_one_frame_is_in_order():
    assert Row(**{**ROW.model_dump(), "start_frame": 7, "end_frame": 7}).end_frame == 7


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [ROW, ROW.model_copy(update={"clip_id": "b", "reason": Reason.MISSING_FILE, "detail": "tab\tand\nline"})]
    write_lines(tmp_path / "rows.jsonl", rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0c", "\x1e", "\r", "\n"])
def test_a_separator_inside_a_name_is_no_line_end(tmp_path, separator):
    row = ROW.model_copy(update={"speaker": f"an{separator}na"})
    record = RECORD.model_copy(update={"detail": f"one{separator}two"})
    write_lines(tmp_path / "rows.jsonl", [row, ROW])
    write_lines(tmp_path / "records.jsonl", [record, RECORD])
    assert read_rows(tmp_path / "rows.jsonl") == [row, ROW]
    assert read_records(tmp_path / "records.jsonl") == [record, RECORD]


def test_a_record_is_kept_where_it_has_no_reason():
    assert RECORD.kept
    assert not RECORD.model_copy(update={"reason": Reason.SILENT}).kept


def test_a_reason_nobody_lists_is_refused():
    with pytest.raises(ValidationError, match="reason"):
        ClipRecord(**{**RECORD.model_dump(), "reason": "bad_mood"})


def test_a_field_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Row(**{**ROW.model_dump(), "colour": "red"})


def test_a_clip_error_reads_as_reason_and_detail():
    error = ClipError(Reason.SILENT, "-90 dB")
    assert str(error) == "silent: -90 dB"
    assert (error.reason, error.detail) == ("silent", "-90 dB")
