"""Facts about contact sheets: what is drawn where, of which clips, and what is said where something is missing."""

import cv2
import numpy as np
import pytest
from packed import pack
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.cli import main
from tavce.media import VideoFormat, write_video
from tavce.records import ClipRecord, write_lines

FRAMES, SIDE_PX, PICTURE_PX, CELL_PX, GAP_PX, LINE_PX = 8, 32, (192, 256), 256, 4, 18
BOX_PX = (96, 64, 160, 128)
YELLOW, GREEN, RED = (255, 210, 0), (60, 255, 60), (255, 60, 60)
FOLLOWED_FROM, CROPPED_FROM = 2, 4


@pytest.fixture
def shown(tmp_path):
    """Return a dataset of a clip that is kept, one of a lost face, one too small, and one that was never cut."""
    pipeline = Pipeline(tmp_path, settings())
    video = tmp_path / "grey.mp4"
    pictures = [np.full((*PICTURE_PX, 3), 40 + 20 * number, np.uint8) for number in range(FRAMES)]
    write_video(video, pictures, np.zeros(640 * FRAMES), VideoFormat(25, 16_000, 1, "fast"))
    content = np.frombuffer(video.read_bytes(), np.uint8)
    fates = {
        "kept": None,
        "lost": ("detect", "face_lost"),
        "small": ("crop", "small_face"),
        "gone": ("trim", "damaged"),
    }
    with store.create(pipeline.h5("trim"), store.Origin("trim", 1, "")) as writer:
        for clip_id in ("kept", "lost", "small"):
            writer.put(clip_id, {"video": content})
    with store.create(pipeline.h5("detect"), store.Origin("detect", 1, "")) as writer:
        for clip_id in ("kept", "small"):
            writer.put(clip_id, followed(), first_frame=FOLLOWED_FROM)
    with store.create(pipeline.h5("crop"), store.Origin("crop", 1, "")) as writer:
        jpeg = cv2.imencode(".jpg", np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8))[1].tobytes()
        arrays = {**pack([jpeg] * 3), "landmarks": np.full((3, 68, 2), 15.5, np.float32)}
        to_crop = "0.25 0 -20.375 0 0.25 -12.375"  # of the square from (80, 48) to (208, 176)
        writer.put("kept", arrays, first_frame=CROPPED_FROM, to_crop=to_crop, size_px=SIDE_PX)
    pipeline.write_rows(*(row(clip_id, video) for clip_id in fates))
    for stage in ("detect", "crop", "quality"):
        write_lines(pipeline.records_path(stage), [record(clip_id, stage, fate) for clip_id, fate in fates.items()])
    return pipeline


def followed():
    frames = FRAMES - FOLLOWED_FROM
    return {
        "boxes": np.tile(np.float32(BOX_PX), (frames, 1)),
        "landmarks": np.full((frames, 68, 2), (128, 96), np.float32),
    }


def record(clip_id, stage, fate):
    said = {"lost_at": fate[0], "reason": fate[1], "detail": "so it is"} if fate else {"numbers": {"frames": 3}}
    return ClipRecord(clip_id=clip_id, dataset="mine", split="train", speaker="x", stage=stage, version=1, **said)


def draw(pipeline, *options):
    """Run the command and return its exit status and the sheets by name, RGB."""
    out = pipeline.folder / "sheets"
    status = main(
        ["contact_sheet", "--dataset", "mine", "--results", str(pipeline.root.parent), "--out", str(out), *options]
    )
    return status, {path.stem: cv2.imread(str(path))[:, :, ::-1] for path in out.glob("*.jpg")}


def nearest(pixel):
    """Return which of the drawn colours a pixel has, None where it is grey."""
    if np.ptp(pixel.astype(int)) < 60:
        return None
    return min((YELLOW, GREEN, RED), key=lambda colour: np.abs(np.subtract(colour, pixel.astype(int))).sum())


def test_box_landmarks_square_and_crop_are_drawn_where_they_are(shown):
    _, sheets = draw(shown, "--clip", "kept", "--frames", "3")
    sheet = sheets["kept"]
    above = 5 * LINE_PX  # four lines of caption, one of frame numbers
    assert sheet.shape == (above + PICTURE_PX[0] + GAP_PX + CELL_PX, 3 * (CELL_PX + GAP_PX), 3)
    for column in range(3):
        source = sheet[above : above + PICTURE_PX[0], column * (CELL_PX + GAP_PX) :][:, :CELL_PX]
        left, top, right, bottom = BOX_PX
        assert {nearest(source[y, x]) for y, x in ((top, 120), (bottom, 150), (100, left), (80, right))} == {YELLOW}
        assert nearest(source[96, 128]) == GREEN
        assert {nearest(source[y, x]) for y, x in ((48, 100), (176, 100), (100, 80), (150, 208))} == {RED}
        assert source[10, 10].mean() == pytest.approx(40 + 20 * (CROPPED_FROM + column), abs=4)
        crop = sheet[above + PICTURE_PX[0] + GAP_PX :, column * (CELL_PX + GAP_PX) :][:, :CELL_PX]
        assert crop[40, 40].mean() == pytest.approx(90, abs=4)
        assert nearest(crop[128, 128]) == GREEN


def test_of_a_dropped_clip_frames_from_all_of_it_are_drawn(shown):
    _, sheets = draw(shown, "--frames", "2")
    for name, lines in (("lost", 1), ("small", 1)):
        sheet, above = sheets[name], (lines + 1) * LINE_PX
        assert sheet.shape == (above + PICTURE_PX[0], 2 * (CELL_PX + GAP_PX), 3)
        first, last = sheet[above + 10, 10].mean(), sheet[above + 10, CELL_PX + GAP_PX + 10].mean()
        assert (first, last) == pytest.approx((40, 40 + 20 * (FRAMES - 1)), abs=4)


def test_a_face_is_marked_in_the_frames_it_was_followed_in(shown):
    _, sheets = draw(shown, "--clip", "small", "--frames", "8")
    marked = [
        nearest(sheets["small"][2 * LINE_PX + BOX_PX[1], column * (CELL_PX + GAP_PX) + 120]) for column in range(8)
    ]
    assert marked == [None, None, *[YELLOW] * 6]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ((), {"kept", "lost", "small"}),
        (("--clip", "small", "kept"), {"kept", "small"}),
        (("--reason", "face_lost"), {"lost"}),
        (("--reason", "small_face"), {"small"}),
    ],
)
def test_the_clips_asked_for_are_drawn(shown, options, names):
    status, sheets = draw(shown, *options)
    assert (status, {*sheets}) == (0, names)


def test_without_names_the_first_twelve_are_drawn_of_all_shards(shown):
    for shard, number in (("0001", 9), ("0002", 9)):
        clips = [f"{shard}/{at}" for at in range(number)]
        for stage in ("trim", "detect", "crop"):
            with (
                store.open_shard(shown.h5(stage)) as old,
                store.create(shown.h5(stage).with_stem(shard), store.Origin(stage, 1, "")) as writer,
            ):
                for clip in clips:
                    arrays = {name: array[:] for name, array in old["kept"].items()}
                    writer.put(clip, arrays, **old["kept"].attrs)
        for stage in ("detect", "crop", "quality"):
            path = shown.records_path(stage).with_stem(shard)
            write_lines(path, [record(clip, stage, None) for clip in clips])
    _, sheets = draw(shown, "--frames", "1")
    assert {*sheets} == {"kept", "lost", "small", *(f"0001_{at}" for at in range(9))}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--clip", "gone"), r"has no frames of gone: not in its sheet, or lost before `detect`"),
        (("--clip", "kept", "nobody"), r"has no frames of nobody"),
        (("--reason", "damaged"), r"has no clip with frames that was dropped for damaged"),
        (("--frames", "0"), r"--frames 0: a sheet shows at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_said(shown, options, words, capsys):
    status, _ = draw(shown, *options)
    assert status == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "missing",
    ["trim/0000.h5", "detect/0000.h5", "detect/0000.jsonl", "crop/0000.h5", "crop/0000.jsonl", "quality/0000.jsonl"],
)
def test_a_missing_file_is_named_with_the_stage_that_writes_it(shown, missing, capsys):
    (shown.root / missing).unlink()
    status, sheets = draw(shown)
    assert (status, sheets) == (2, {})
    said = capsys.readouterr().err
    assert f"{shown.root / missing} is not there: run the stage `{missing.partition('/')[0]}`" in said
