"""Facts about sources that are not as most are: every frame and every sound is still at its place."""

import numpy as np
import pytest
from coded_video import HEIGHT_PX, WIDTH_PX, click, ffmpeg, numbers, read_number, steady, turn, write_coded
from cut_clips import cut

from tavce import damage
from tavce.cutting import CutFormat, Span
from tavce.media import decode, probe
from tavce.records import ClipError, Reason

pytestmark = pytest.mark.slow

CUT = CutFormat(rate_hz=25, sample_rate_hz=16_000, crf=12, preset="ultrafast")
FRAME, RATE_HZ = 640, 16_000  # samples
CLICK_S, START, FRAMES = 2.6, 30, 60
QUARTER_S = 0.01  # of a frame
CONTAINERS = ["mp4", "mkv", "ts", "flv", "nut"]  # some begin with sound that only starts the decoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


@pytest.fixture(scope="module")
def source(folder):
    """Five seconds at 25 frames a second, with a click at 2.6 s."""
    return write_coded(folder / "source.mp4", steady(25, 125), click(CLICK_S, 5))


def loudest_s(wave: np.ndarray) -> float:
    """Return when a wave is loudest."""
    return np.abs(wave.astype(int)).argmax() / RATE_HZ


def level(wave: np.ndarray, rate_hz: float) -> float:
    """Return the amplitude of a tone in a wave, 1 = full scale, without its first and last 0.1 s."""
    middle = wave[1600:-1600] / 32768
    turning = np.exp(-2j * np.pi * rate_hz * np.arange(len(middle)) / RATE_HZ)
    return float(2 * np.abs((middle * turning).mean()))


TEN_BITS = ("-pix_fmt", "yuv420p10le", "-c:a", "copy")
CODINGS = {
    "h264 of 10 bits.mp4": ("-c:v", "libx264", "-preset", "ultrafast", *TEN_BITS),
    "hevc of 10 bits.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", *TEN_BITS),
    "vp9 and opus.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "vp9 and opus.mkv": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "mpeg-2 of half pictures.ts": ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2", "-c:a", "ac3"),
    "mpeg-4.avi": ("-c:v", "mpeg4", "-q:v", "2", "-c:a", "pcm_s16le"),
    "open groups of pictures.mp4": ("-c:v", "libx264", "-x264-params", "open-gop=1:keyint=20:bframes=3", "-c:a", "aac"),
}


@pytest.mark.parametrize("name", CODINGS)
def test_a_clip_is_the_same_whatever_its_source_is_coded_as(folder, source, name):
    ffmpeg("-i", source, *CODINGS[name], folder / name)
    clip = cut(folder / name, Span(START, FRAMES), CUT)
    assert numbers(clip.video) == list(range(START, START + FRAMES))
    assert abs(loudest_s(clip.wave) - (CLICK_S - START / 25)) < QUARTER_S
    damage.check(folder / name, *Span(START).seconds(FRAMES, 25))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_ten_bits_become_eight_without_a_shift_of_brightness(folder, codec):
    bands = "nullsrc=s=128x64:r=25:d=0.4,format=yuv420p,geq=lum='16+219*floor(X/32)/3':cb=128:cr=128"
    bands += ",format=yuv420p,format=yuv420p10le"
    path = folder / f"{codec}.mp4"
    quiet = ("-x265-params", "log-level=none") if codec == "libx265" else ()
    ffmpeg("-f", "lavfi", "-i", bands, "-f", "lavfi", "-i", "sine=d=0.4", "-c:v", codec, "-crf", "8", *quiet, path)
    (frame,) = decode(cut(path, Span(5, 1), CUT).video)
    np.testing.assert_allclose(frame.reshape(64, 4, 32, 3).mean(axis=(0, 2, 3)), [0, 85, 170, 255], atol=2.5)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_picture_is_shown_upright(folder, source, degrees):
    (frame,) = decode(cut(turn(source, folder / "turned.mp4", degrees), Span(5, 1), CUT).video)
    assert frame.shape == ((HEIGHT_PX, WIDTH_PX, 3) if degrees == 180 else (WIDTH_PX, HEIGHT_PX, 3))
    assert read_number(np.rot90(frame, degrees // 90)) == 5


@pytest.mark.parametrize(
    ("pixel", "width_px"), [("3/2", 192), ("16/15", 136), ("8/9", 114), ("1280/1281", 128), ("0/1", 128)]
)
def test_pixels_that_are_not_square_become_so(folder, source, pixel, width_px):
    wide = folder / "wide.mp4"
    ffmpeg("-i", source, "-vf", f"setsar={pixel}", "-t", "0.4", wide)
    (frame,) = decode(cut(wide, Span(5, 1), CUT).video)
    assert frame.shape == (HEIGHT_PX, width_px, 3)
    assert read_number(frame) == 5


def test_odd_sides_become_even(folder, source):
    odd = folder / "odd.mp4"
    ffmpeg("-i", source, "-vf", "scale=127:63,format=yuv444p", "-t", "0.4", odd)
    (frame,) = decode(cut(odd, Span(5, 1), CUT).video)
    assert frame.shape == (64, 128, 3)
    assert read_number(frame) == 5


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_sound_of_any_rate_keeps_its_pitch_level_and_length(folder, rate_hz):
    path = folder / f"{rate_hz}.mp4"
    picture = write_coded(folder / "picture.mp4", steady(25, 75))
    ffmpeg("-i", picture, "-f", "lavfi", "-i", f"sine=440:r={rate_hz}:d=3", "-c:v", "copy", "-ar", str(rate_hz), path)
    clip = cut(path, Span(0, 75), CUT)
    assert level(clip.wave, 440) == pytest.approx(0.125, rel=0.03)
    assert clip.sound_frames == pytest.approx(75, abs=1)


def test_the_voice_in_the_centre_of_six_channels_is_heard(folder):
    channels = ["0.02*sin(2*PI*1000*t)"] * 6
    channels[2] = "0.4*sin(2*PI*300*t)"  # FL, FR, FC, LFE, BL, BR
    sound = f"aevalsrc={'|'.join(channels)}:c=5.1:s=48000:d=3"
    picture = write_coded(folder / "picture.mp4", steady(25, 75))
    ffmpeg("-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "copy", "-c:a", "aac", folder / "six.mp4")
    wave = cut(folder / "six.mp4", Span(0, 75), CUT).wave
    assert 20 * np.log10(level(wave, 300) / 0.4) > -12
    assert level(wave, 300) > 8 * level(wave, 1000)


def test_a_voice_on_one_of_two_channels_is_heard_at_half_its_level(folder):
    sound = "aevalsrc=0.4*sin(2*PI*300*t)|0:c=stereo:s=48000:d=3"
    picture = write_coded(folder / "picture.mp4", steady(25, 75))
    ffmpeg("-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "copy", "-c:a", "aac", folder / "left.mp4")
    assert level(cut(folder / "left.mp4", Span(0, 75), CUT).wave, 300) == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("delay_s", [-0.4, 0, 0.4])
@pytest.mark.parametrize("suffix", CONTAINERS)
def test_frames_count_from_the_first_one_and_sound_keeps_its_place_in_the_picture(folder, source, suffix, delay_s):
    path = folder / f"delayed.{suffix}"
    late, early = (max(0, delay_s), max(0, -delay_s))
    inputs = ("-itsoffset", str(early), "-i", source, "-itsoffset", str(late), "-i", source)
    ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", path)
    clip = cut(path, Span(START, FRAMES), CUT)
    assert numbers(clip.video) == list(range(START, START + FRAMES))
    assert abs(loudest_s(clip.wave) - (CLICK_S + delay_s - START / 25)) < QUARTER_S
    clip = cut(path, Span(0, 80), CUT)
    assert numbers(clip.video) == list(range(80))
    assert abs(loudest_s(clip.wave) - (CLICK_S + delay_s)) < QUARTER_S
    assert delay_s < 0.4 or not np.any(clip.wave[: 8 * FRAME])


def test_a_file_whose_clock_does_not_begin_at_nought_is_cut_as_any(folder, source):
    ffmpeg("-i", source, "-c", "copy", "-output_ts_offset", "3000.5", folder / "clock.ts")
    clip = cut(folder / "clock.ts", Span(START, FRAMES), CUT)
    assert numbers(clip.video) == list(range(START, START + FRAMES))
    assert abs(loudest_s(clip.wave) - (CLICK_S - START / 25)) < QUARTER_S


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mpg"])
def test_a_whole_video_without_a_reliable_length_is_cut_to_its_end(folder, source, suffix):
    codec = ("-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2", "-ar", "44100") if suffix == "mpg" else ("-c", "copy")
    ffmpeg("-i", source, *codec, folder / f"whole.{suffix}")
    clip = cut(folder / f"whole.{suffix}", Span(0), CUT)
    assert numbers(clip.video) == list(range(125))
    assert clip.expected is None


@pytest.mark.parametrize("name", ["covered.mp4", "covered.mkv"])
def test_a_cover_is_not_taken_for_the_picture(folder, source, name):
    ffmpeg("-f", "lavfi", "-i", "color=red:s=600x600", "-frames:v", "1", folder / "cover.jpg")
    first = ("-i", folder / "cover.jpg", "-i", source, "-map", "0", "-map", "1", "-disposition:v:0", "attached_pic")
    attached = ("-i", source, "-attach", folder / "cover.jpg", "-metadata:s:t", "mimetype=image/jpeg")
    ffmpeg(*(attached if name.endswith("mkv") else first), "-c", "copy", folder / name)
    assert (probe(folder / name).width_px, probe(folder / name).height_px) == (WIDTH_PX, HEIGHT_PX)
    assert numbers(cut(folder / name, Span(5, 20), CUT).video) == list(range(5, 25))


def test_sound_with_a_cover_is_no_video(folder, source):
    ffmpeg("-f", "lavfi", "-i", "color=red:s=600x600", "-frames:v", "1", folder / "cover.jpg")
    both = ("-i", source, "-i", folder / "cover.jpg", "-map", "0:a", "-map", "1", "-c", "copy")
    ffmpeg(*both, "-disposition:v:0", "attached_pic", folder / "song.m4a")
    with pytest.raises(ClipError, match="has no video stream") as caught:
        probe(folder / "song.m4a")
    assert caught.value.reason == Reason.NOT_A_VIDEO


def test_of_two_pictures_the_larger_is_taken(folder, source):
    small = ("-i", source, "-filter_complex", "[0:v]scale=32:16,negate[small]", "-map", "[small]", "-map", "0")
    ffmpeg(*small, "-preset", "ultrafast", folder / "two.mp4")
    assert numbers(cut(folder / "two.mp4", Span(5, 20), CUT).video) == list(range(5, 25))


@pytest.mark.parametrize(("default", "rate_hz"), [(("default", "0"), 300), (("0", "default"), 500)])
def test_of_several_sounds_the_one_marked_as_default_is_taken(folder, default, rate_hz):
    picture = write_coded(folder / "picture.mp4", steady(25, 75))
    sounds = [word for rate in (300, 500) for word in ("-f", "lavfi", "-i", f"sine={rate}:d=3")]
    marks = ("-disposition:a:0", default[0], "-disposition:a:1", default[1])
    streams = ("-map", "0", "-map", "1", "-map", "2", "-c:v", "copy")
    ffmpeg("-i", picture, *sounds, *streams, *marks, folder / "tracks.mkv")
    wave = cut(folder / "tracks.mkv", Span(0, 75), CUT).wave
    assert level(wave, rate_hz) == pytest.approx(0.125, rel=0.05)
    assert level(wave, 800 - rate_hz) < 0.001


def test_a_picture_in_an_unknown_code_is_no_video(folder, source):
    (folder / "unknown.mp4").write_bytes(source.read_bytes().replace(b"avc1", b"xyz1"))
    with pytest.raises(ClipError, match="has no video stream that can be decoded"):
        probe(folder / "unknown.mp4")
