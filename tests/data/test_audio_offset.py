"""Facts about the annotated offset of a clip's sound, measured as SyncNet does.

SyncNet compares picture i with sound i + shift - 15 for 31 shifts; its offset is 15 less the shift at which the mean
distance is least, which is the picture's index less the sound's. Here the picture's feature is the flash and the
sound's is the click.
"""

import numpy as np
import pytest
from coded_video import coded_frame, ffmpeg, steady, write_coded
from cut_clips import cut
from pipeline import Pipeline, row, settings

from tavce import store
from tavce.cutting import CutFormat, Span
from tavce.media import VideoFormat, decode, write_video

FRAMES, FRAME = 150, 640  # samples
FLASHES = (4, 41, 70, 84, 97, 146)
SHIFT = 15
OFFSETS = (-7, -2, 3, 9)
SPANS = {"start": (0, 79), "middle": (36, 115), "end": (70, 149)}
BRIGHT, DARK = coded_frame(255), coded_frame(0)
WRITE = VideoFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")
CUT = CutFormat(rate_hz=25, sample_rate_hz=16_000, crf=18, preset="ultrafast")


def clicks(offset_frames: int) -> np.ndarray:
    """Return float32 [N] with a click for every flash, that many frames early, below 0 late."""
    wave = np.zeros(FRAMES * FRAME, np.float32)
    for flash in FLASHES:
        if flash >= offset_frames:
            wave[(flash - offset_frames) * FRAME + 160 :][:320] = 0.8
    return wave


def syncnet_offset(clip) -> int:
    """Return SyncNet's offset of a trimmed clip: picture index less sound index."""
    flash = np.array([frame.mean() > 128 for frame in decode(store.reader(clip["video"]))], float)
    energy = np.square(clip["wave"][:].reshape(-1, FRAME).astype(float)).mean(axis=1)
    padded = np.pad((energy > energy.max() / 10).astype(float), SHIFT)
    distances = [np.abs(flash - padded[shift : shift + len(flash)]).mean() for shift in range(2 * SHIFT + 1)]
    return SHIFT - int(np.argmin(distances))


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory) -> Pipeline:
    """Every span of a source for every offset, once annotated with it and once not."""
    pipeline = Pipeline(tmp_path_factory.mktemp("offset"), settings(trim={"preset": "ultrafast"}))
    rows = []
    for offset in OFFSETS:
        path = pipeline.folder / f"{offset}.mp4"
        write_video(path, (BRIGHT if n in FLASHES else DARK for n in range(FRAMES)), clicks(offset), WRITE)
        for name, (start, end) in SPANS.items():
            span = {"start_frame": start, "end_frame": end, "video_id": str(offset)}
            rows.append(row(f"{name}{offset}_as_it_is", path, **span))
            rows.append(row(f"{name}{offset}", path, audio_offset_frames=offset, **span))
    pipeline.write_rows(*rows)
    pipeline.run_all("download", "trim")
    assert set(pipeline.reasons("trim").values()) == {None}
    return pipeline


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("offset", OFFSETS)
def test_a_clip_annotated_as_syncnet_measures_it_has_offset_nought_after_trimming(trimmed, offset, span):
    with store.open_shard(trimmed.h5("trim")) as file:
        assert syncnet_offset(file[f"{span}{offset}_as_it_is"]) == offset
        assert syncnet_offset(file[f"{span}{offset}"]) == 0


def test_the_offset_that_was_undone_is_in_the_record_and_in_the_file(trimmed):
    assert trimmed.records("trim")["middle-7"].numbers["audio_offset_frames"] == -7
    assert trimmed.records("trim")["middle-7_as_it_is"].numbers["audio_offset_frames"] == 0
    with store.open_shard(trimmed.h5("trim")) as file:
        assert file["middle-7"].attrs["audio_offset_frames"] == -7
        assert file["middle-7_as_it_is"].attrs["audio_offset_frames"] == 0


@pytest.fixture(scope="module")
def lossless(tmp_path_factory):
    """A video of 150 frames and its sound, int16 [N], which is stored as it is."""
    folder = tmp_path_factory.mktemp("lossless")
    samples = np.random.default_rng(1).integers(-9000, 9000, FRAMES * FRAME, dtype=np.int16)
    samples.tofile(folder / "sound.pcm")
    picture = write_coded(folder / "picture.mp4", steady(25, FRAMES))
    pcm = ("-f", "s16le", "-ar", "16000", "-ac", "1", "-i", folder / "sound.pcm")
    ffmpeg("-i", picture, *pcm, "-c:v", "copy", "-c:a", "pcm_s16le", folder / "lossless.mov")
    return folder / "lossless.mov", samples


@pytest.mark.parametrize("offset", [-40, -3, 0, 3, 40])
@pytest.mark.parametrize(("start", "frames"), [(0, 70), (20, 64), (50, 64), (86, 64), (86, None)])
def test_the_sound_is_the_files_own_from_that_much_earlier_on_and_nought_outside_the_file(
    lossless, start, frames, offset
):
    path, samples = lossless
    clip = cut(path, Span(start, frames, offset), CUT)
    around = np.pad(samples, 50 * FRAME)
    first = (50 + start - offset) * FRAME
    np.testing.assert_array_equal(clip.wave, around[first : first + clip.frames * FRAME])
    assert clip.frames == (frames or 64)


@pytest.mark.parametrize(
    ("sound_frames", "offset", "end", "reason"),
    [
        (150, 0, 149, None),
        (150, 5, 149, None),
        (150, -5, 149, None),
        (145, 0, 149, "av_mismatch"),
        (145, 5, 149, None),  # the sound is early by what the file lacks of it
        (145, -5, 149, "av_mismatch"),
        (140, 5, 149, "av_mismatch"),
        (145, 0, 143, None),
        (145, -5, 143, None),
        (140, -5, 143, "av_mismatch"),
        (155, 0, None, "av_mismatch"),
        (155, -5, None, None),
        (155, 5, None, "av_mismatch"),
        (145, 5, None, None),
    ],
)
def test_sound_may_end_with_the_picture_as_it_lies_or_as_it_is_moved(tmp_path, sound_frames, offset, end, reason):
    wave = np.random.default_rng(1).normal(size=sound_frames * FRAME).astype(np.float32) * 0.1
    write_video(tmp_path / "a.mp4", [DARK] * FRAMES, wave, WRITE)
    pipeline = Pipeline(tmp_path, settings(trim={"preset": "ultrafast"}))
    start = 0 if end is None else 50
    pipeline.write_rows(row("a", tmp_path / "a.mp4", start_frame=start, end_frame=end, audio_offset_frames=offset))
    pipeline.run_all("download", "trim")
    assert pipeline.reasons("trim") == {"a": reason}
