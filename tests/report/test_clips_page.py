"""Facts about the page's players and its table of every clip, in a real browser; and the files that they read."""

import io
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, Request
from toy_players import (
    FRAMES,
    LABELS,
    ODD,
    REASON,
    SPEAKERS,
    row,
    write_frames,
    write_large_page,
    write_old_video,
    write_small_page,
)

from tavce import media, web_video
from tavce.records import ClipError, InputError
from tavce.report import clips, players
from tavce.report.players import Files, side_by_side, write_players

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The small page, in report/, and what it was made from."""
    root = tmp_path_factory.mktemp("clips")
    write_small_page(root)
    return root


@pytest.fixture(scope="module")
def window(browser) -> tuple[Page, list[str]]:
    """One window for all tests, which is cheaper, and what its pages complain of."""
    page, complaints = browser.new_page(), []

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a video that is left while it loads
            complaints.append(f"{request.url}: {request.failure}")

    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", failed)
    return page, complaints


@pytest.fixture
def opened(root, window) -> Iterator[Open]:
    """Opens the small page; whatever it does, it complains of nothing."""
    page, complaints = window

    def open_page(fragment: str = "", width_px: int = 1280) -> Page:
        page.set_viewport_size({"width": width_px, "height": 900})
        page.goto("about:blank")
        page.goto(f"{(root / 'report/index.html').as_uri()}{fragment}")
        page.wait_for_selector("#clip-table tbody tr")
        return page

    yield open_page
    page.emulate_media(media="screen")
    assert complaints == []


def data(root: Path, key: str) -> dict:
    """Return the value of a script of data."""
    (text,) = re.findall(r"JSON\.parse\((.*)\)\);\n$", (root / f"report/data/{key}.js").read_text())
    return json.loads(json.loads(text))


def rows(page: Page) -> list[list[str]]:
    """Return the texts of the table's rows."""
    return page.eval_on_selector_all(
        "#clip-table tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )


def names(page: Page) -> list[str]:
    return [cells[0].split(" ▶")[0] for cells in rows(page)]


def player(page: Page, number: int = 0):
    """Return a player whose videos can be played."""
    found = page.locator(".player").nth(number)
    found.locator(".play").scroll_into_view_if_needed()
    videos = f"[...document.querySelectorAll('.player')[{number}].querySelectorAll('video')]"
    page.wait_for_function(f"{videos}.every(video => video.readyState >= 3 && !video.seeking)")
    return found


def times(page: Page, number: int = 0) -> list[float]:
    return page.evaluate(
        f"[...document.querySelectorAll('.player')[{number}].querySelectorAll('video')].map(video => video.currentTime)"
    )


def picture(locator) -> np.ndarray:
    """Return what an element looks like, [H, W, 3]: a page opened from disk may not read its own canvas."""
    return cv2.imdecode(np.frombuffer(io.BytesIO(locator.screenshot()).getvalue(), np.uint8), cv2.IMREAD_COLOR)


def near_the_leader(page: Page) -> float:
    """Play once; return how often a follower is at most a frame off, after they have found together."""
    page.locator(".player .play").first.press("Enter")
    off_s = page.evaluate("""() => new Promise((resolve) => {
      const [leader, ...others] = document.querySelectorAll(".player[open] video");
      const off = [];
      const look = () => {
        const time = leader.currentTime;
        if (time > 0.6) off.push(...others.map((video) => Math.abs(video.currentTime - time)));
        if (time > 1.6) resolve(off); else requestAnimationFrame(look);
      };
      look();
    })""")
    assert page.locator(".player .play").first.inner_text() == "Pause"
    page.wait_for_function("document.querySelector('.player .play').textContent === 'Play'")
    return float(np.mean(np.array(off_s) <= 0.04))


def test_videos_play_together_within_a_frame_of_the_one_that_sounds(opened):
    page = opened()
    found = player(page)
    assert any(near_the_leader(page) > 0.95 for _ in range(3))  # a machine that is busy may start a video late
    assert found.locator(".playhead").input_value() == str(FRAMES - 1)


def test_one_video_sounds_and_another_can_be_chosen(opened):
    page = opened()
    found = player(page)
    muted = "videos => videos.map(video => video.muted)"
    assert found.locator("video").evaluate_all(muted) == [False, True, True, True]
    found.get_by_role("button", name="Sound of Ours").press("Enter")
    assert found.locator("video").evaluate_all(muted) == [True, False, True, True]
    assert found.locator(".sound[aria-pressed=true]").count() == 1
    assert found.locator(".sound:disabled").inner_text() == "No sound"  # the one whose file has none


def test_the_keyboard_steps_by_frames_and_all_videos_show_the_same_one(opened):
    page = opened()
    found = player(page)
    found.locator(".playhead").focus()
    for key in ("ArrowRight", "ArrowRight", ".", ".", "ArrowLeft", ","):
        page.keyboard.press(key)
    assert found.locator(".playhead").input_value() == "2"
    page.wait_for_function("[...document.querySelectorAll('.player[open] video')].every(video => !video.seeking)")
    assert times(page) == pytest.approx([2.5 / 25] * 4)
    page.keyboard.press("End")
    assert found.locator(".time").inner_text() == "1.96 of 2.00 s, frame 49"
    page.keyboard.press("Home")
    assert found.locator(".playhead").get_attribute("aria-valuetext") == "0.00 of 2.00 s, frame 0"


def test_space_plays_slowly_and_pauses_on_one_frame(opened):
    page = opened()
    found = player(page)
    found.locator(".speed").select_option("0.25")
    found.locator(".playhead").focus()
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.player video').currentTime > 0.15")
    assert found.locator("video").first.evaluate("video => video.playbackRate") == 0.25
    page.keyboard.press("Space")
    page.wait_for_function("[...document.querySelectorAll('.player[open] video')].every(video => !video.seeking)")
    assert found.locator("video").evaluate_all("videos => videos.map(video => video.paused)") == [True] * 4
    assert len({int(time_s * 25) for time_s in times(page)}) == 1
    page.wait_for_function("document.querySelector('.player .unseen').textContent.includes('Ours: similarity')")


def test_a_loop_starts_again(opened):
    page = opened()
    found = player(page)
    found.locator(".loop").check()
    found.locator(".playhead").focus()
    page.keyboard.press("End")
    for _ in range(4):
        page.keyboard.press(",")
    page.keyboard.press("Space")
    page.wait_for_function(
        "(([video]) => video.currentTime > 0.1 && video.currentTime < 1)(document.querySelectorAll('video'))"
    )
    assert found.locator(".play").inner_text() == "Pause"


def test_the_mouth_of_the_frame_is_drawn_and_follows_the_playhead(opened):
    page = opened()
    found = player(page)
    ours = found.locator("figure[data-method=ours]")
    before = picture(ours.locator(".mouth")).astype(int)
    assert before.std() > 20
    found.locator(".playhead").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("[...document.querySelectorAll('.player[open] video')].every(video => !video.seeking)")
    page.wait_for_timeout(100)
    assert np.abs(picture(ours.locator(".mouth")).astype(int) - before).mean() > 4
    assert found.locator(".lacking:visible").all_inner_texts() == ["no mouth box"] * 2  # null and NaN


def test_the_curve_has_a_gap_where_there_is_no_value_and_its_value_stands_below(opened, root):
    page = opened()
    found = player(page)
    ours = found.locator("figure[data-method=ours] .curve")
    curve = data(root, "curves/toy_set/clip_0")["takes"]["ours"]["curves"]["similarity"]
    assert ours.locator("path.first").get_attribute("d").count("L") == FRAMES - 6
    assert curve[-5:] == [None] * 5
    assert ours.locator("span").inner_text() == f"similarity {curve[0]:.2f}".replace("-", "−")
    assert found.locator("figure[data-method=static] .curve path").evaluate_all(
        "paths => paths.map(path => path.className.baseVal)"
    ) == ["first", "second"]
    ours.locator("svg").click(position={"x": 1, "y": 5})
    assert found.locator(".playhead").input_value() == "0"
    assert "loudness" in found.locator(".legend").inner_text()


def test_a_link_opens_the_player_of_a_clip_with_an_odd_name(opened):
    page = opened(f"#clip=toy_set/{quote(ODD, safe='')}")
    found = page.locator(".player").nth(2)
    assert found.get_attribute("data-clip") == ODD
    player(page, 2)
    assert page.evaluate("document.activeElement.closest('.player').dataset.clip") == ODD
    assert found.locator("video").evaluate_all("videos => videos.map(video => video.videoWidth)") == [128] * 4


def test_a_clip_without_a_player_says_where_its_videos_lie(opened):
    page = opened("#clip=toy_set/clip_1")
    page.wait_for_selector("#clip-panel:not([hidden])")
    words = page.inner_text("#clip-panel")
    assert "results/synthesise/toy_set/ours-2025/clip_1.mp4" in words
    page.evaluate("location.hash = '#clip=toy_set/nobody%'")
    page.wait_for_selector("#clip-panel >> text=has no such clip")


def test_a_missing_video_has_its_reason_in_its_place(opened):
    page = opened("#clip=toy_set/clip_2")
    found = player(page, 1)
    assert found.locator("figure[data-method=other] .none").inner_text() == REASON


def test_the_table_shows_a_clip_with_link_time_and_numbers(opened):
    first, *_ = rows(opened("#clips"))
    assert first[:6] == ["clip_0 ▶", "ann", "29.12", "0.900", "2.00", "0.500"]
    assert first[6] == "youtube.com/watch?v=a, 1:01.00 to 1:03.00"


def test_a_column_sorts_both_ways_and_clips_without_a_number_come_last(opened):
    page = opened("#clips")
    page.select_option("[name=run]", "other")
    button = page.get_by_role("button", name="PSNR")
    button.press("Enter")
    assert names(page) == ["clip_0", "clip_1", ODD, "clip_2"]
    button.press("Enter")
    assert names(page) == [ODD, "clip_1", "clip_0", "clip_2"]
    assert page.get_attribute("#clip-table th[aria-sort]", "aria-sort") == "descending"
    assert page.evaluate("document.activeElement.textContent").startswith("PSNR")


def test_filters_choose_by_name_by_speaker_and_by_what_was_dropped(opened):
    page = opened("#clips")
    page.fill("[name=words]", "ANN _1")
    assert names(page) == ["clip_1"]
    page.fill("[name=words]", "bob")
    assert names(page) == ["clip_2"]
    page.fill("[name=words]", "")
    page.check("[name=dropped]")
    page.wait_for_selector("#clip-count >> text=no clip is like that")
    page.select_option("[name=run]", "other")
    page.wait_for_selector("#clip-table tbody tr")
    assert [cells[0] for cells in rows(page)] == ["clip_2 ▶"]
    assert REASON in rows(page)[0]


def test_one_metric_of_all_methods_and_its_differences_to_the_baseline(opened):
    page = opened("#clips")
    page.select_option("[name=view]", "metric")
    page.select_option("[name=metric]", "av_corr")
    page.wait_for_selector("#clip-table th >> text=Ours, seed 2025")
    assert page.locator("#clip-table thead th").all_inner_texts()[2:8] == [
        "Real video", "Ours", "Ours, seed 2025", "Still <frame> & sound", "Another's", "Why numbers are missing",
    ]  # fmt: skip
    assert rows(page)[0][2:8] == ["0.500"] * 3 + ["-", "0.500", "Still <frame> & sound: the mouth does not move"]
    page.select_option("[name=metric]", "psnr")
    page.check("[name=difference]")
    page.wait_for_selector("#clip-table td.worse")
    assert rows(page)[0][2:7] == ["+1.00", "29.12", "−3.00", "−1.00", "−2.00"]
    page.click(".columns summary")
    page.uncheck(".ticks input[value=static]")
    page.wait_for_function("document.querySelectorAll('#clip-table thead th').length === 8")


def test_a_metric_without_numbers_is_no_column_but_is_named(opened):
    page = opened("#clips")
    assert page.locator(".lacks").text_content().startswith("No method has numbers of LPIPS, ")
    assert "LPIPS" not in page.inner_text("#clip-table thead")


@pytest.mark.parametrize("width_px", [390, 820])
def test_nothing_scrolls_sideways(opened, width_px):
    page = opened(width_px=width_px)
    player(page)
    page.click(".columns summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px


def test_print_shows_pictures_and_rows_without_fields(opened):
    page = opened()
    player(page)
    page.emulate_media(media="print")
    shown = {
        name: page.locator(name).first.is_visible()
        for name in (".screen img", "#clip-table tbody tr", ".screen video", ".controls", "#clip-filters", ".mouth")
    }
    assert [name for name, visible in shown.items() if visible] == [".screen img", "#clip-table tbody tr"]


def test_data_that_are_not_there_are_named_where_they_would_stand(root, window, tmp_path):
    page, complaints = window
    shutil.copytree(root / "report", tmp_path / "report", ignore=shutil.ignore_patterns("data", "videos"))
    page.goto((tmp_path / "report/index.html").as_uri())
    page.wait_for_selector("#clip-count .warning")
    assert page.inner_text("#clip-count").startswith("data/clips/toy_set.js is not there: copy the whole folder")
    page.click(".player .play")
    page.wait_for_selector(".player .trouble >> text=data/curves/toy_set/clip_0.js is not there")
    assert page.inner_text(".player .play") == "Play"
    complaints.clear()  # the browser names every missing file


@pytest.mark.slow
def test_ten_thousand_clips_open_sort_and_turn_in_time(browser, tmp_path):
    place = write_large_page(tmp_path, 10_000, 2)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    begun = time.monotonic()
    page.goto(place.as_uri())
    page.wait_for_selector("#clip-table tbody tr:nth-child(50)")
    assert time.monotonic() - begun < 6
    spent = """async (selector) => {
      const first = () => document.querySelector("#clip-table tbody").firstElementChild;
      const [before, begun] = [first(), performance.now()];
      document.querySelector(selector).click();
      while (first() === before) await new Promise((resolve) => setTimeout(resolve));
      return performance.now() - begun;
    }"""
    assert page.evaluate(spent, "#clip-table [data-key='ours psnr'] button") < 1000
    assert page.evaluate(spent, "#clip-table [data-key=clip] button") < 1000
    assert page.inner_text("#clip-pages span") == "Page 1 of 200"
    assert page.evaluate(spent, "#clip-pages [data-to=last]") < 1000
    assert page.inner_text("#clip-count") == "10,000 clips in large; rows 9,951 to 10,000 of 10,000"
    assert rows(page)[-1][0] == "id09999"
    page.locator("#clip-pages [data-to=previous]").press("Enter")
    assert page.inner_text("#clip-pages span") == "Page 199 of 200"
    page.close()


def test_columns_are_rounded_and_say_why_a_number_is_missing(root):
    other = data(root, "clips/toy_set/other")
    assert other["values"]["psnr"] == [27.1235, 28.1235, None, 30.1235]
    assert other["values"]["sync_offset"] == [2, 3, None, 5]  # sizes
    assert other["dropped"] == {"2": 1}
    assert other["reasons"] == ["the weights vgg are not there", REASON]
    assert other["why"]["lpips"] == 0
    assert other["why"]["psnr"] == {}
    assert "fid" not in other["values"]


def test_a_clip_that_a_run_did_not_try_is_said(tmp_path):
    found = [row("ours", "clip_0", 0), row("ours", "clip_1", 1), row("static", "clip_1", 1)]
    clips.write_clips(tmp_path / "report", {"toy_set": found}, clips.Shown(LABELS, "none", "videos"))
    static = data(tmp_path, "clips/toy_set/static")
    assert [static["reasons"][reason] for reason in static["dropped"].values()] == ["not tried"]


def test_speakers_take_turns_and_no_score_decides():
    found = [row("ours", clip_id, place) for place, clip_id in enumerate(SPEAKERS)]
    assert [clip.clip_id for clip in side_by_side(found, LABELS, 9)] == ["clip_0", "clip_2", ODD, "clip_1"]
    assert len(side_by_side(found, LABELS, 2)) == 2


def test_takes_are_in_the_order_of_the_labels_and_say_what_was_not_tried():
    found = [row("static", "clip_0", 0), row("ours", "clip_0", 0), row("ground_truth", "clip_1", 0)]
    first, _ = side_by_side(found, LABELS, 9)
    assert [(take.label, take.video is None) for take in first.takes] == [
        ("Real video", True), ("Ours", False), (LABELS["static"], False),
    ]  # fmt: skip
    assert first.takes[0].caption == "not tried"


def test_videos_that_browsers_play_are_copied_byte_by_byte_and_others_are_encoded_anew(root):
    made, shown = root / "synthesise/toy_set", root / "report/videos/toy_set"
    assert (shown / "ours/clip_0.mp4").read_bytes() == (made / "ours/clip_0.mp4").read_bytes()
    assert not web_video.plays_in_browsers(made / "other/clip_0.mp4")
    assert web_video.plays_in_browsers(shown / "other/clip_0.mp4")
    pairs = zip(media.decode(made / "other/clip_0.mp4"), media.decode(shown / "other/clip_0.mp4"), strict=True)
    assert max(np.abs(one.astype(int) - two).mean() for one, two in pairs) < 6


def test_colour_at_full_width_is_halved_and_time_and_sound_stay(root, tmp_path):
    source, wide = root / "synthesise/ours.mp4", tmp_path / "wide.mp4"
    how = ["-pix_fmt", "yuv444p", "-preset", "ultrafast", "-c:a", "libmp3lame"]
    subprocess.run([media.ffmpeg_path(), "-loglevel", "error", "-i", source, *how, wide], check=True)
    assert not web_video.plays_in_browsers(wide)
    assert web_video.copy_for_browsers(wide, tmp_path / "made.mp4") == web_video.WebVideo(FRAMES, 25, True)
    assert web_video.plays_in_browsers(tmp_path / "made.mp4")


def test_odd_sides_lose_their_last_line(tmp_path):
    write_old_video(tmp_path / "odd.avi", [np.full((65, 33, 3), 90, np.uint8)] * 3)
    facts = web_video.copy_for_browsers(tmp_path / "odd.avi", tmp_path / "odd.mp4")
    assert facts == web_video.WebVideo(frames=3, rate_hz=25, sound=False)
    assert media.frame_size(tmp_path / "odd.mp4") == (32, 64)


def test_a_pictures_poster_is_its_middle_frame(root):
    video = root / "report/videos/toy_set/ours/clip_0.mp4"
    poster = cv2.imread(str(video.with_suffix(".jpg")))[:, :, ::-1].astype(int)
    errors = [np.abs(poster - frame).mean() for frame in media.decode(video)]
    assert errors[FRAMES // 2] == min(errors)


def written(folder: Path, files: Files) -> None:
    chosen = {"toy_set": side_by_side([row("ours", "clip_0", 0)], LABELS, 1)}
    write_players(folder, chosen, files)


def test_a_scored_video_that_is_gone_or_damaged_is_named(tmp_path):
    with pytest.raises(InputError, match=r"clip_0\.mp4 was scored but is not there"):
        written(tmp_path / "report", Files(tmp_path))
    (tmp_path / "toy_set/ours").mkdir(parents=True)
    (tmp_path / "toy_set/ours/clip_0.mp4").write_text("no video")
    with pytest.raises(InputError, match="a video that was scored cannot be shown"):
        written(tmp_path / "report", Files(tmp_path))


def test_a_video_that_breaks_while_it_is_encoded_says_what_ffmpeg_says(tmp_path):
    write_old_video(tmp_path / "a.avi", [np.zeros((32, 32, 3), np.uint8)])
    with pytest.raises(ClipError, match=r"a\.avi: ffmpeg: .*No such file"):
        web_video.copy_for_browsers(tmp_path / "a.avi", tmp_path / "missing/a.mp4")


def test_a_file_without_curves_or_times_is_named(tmp_path, root):
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(InputError, match=r"a\.parquet has no curves of this version"):
        written(tmp_path / "report", Files(root / "synthesise", {("toy_set", "ours"): tmp_path / "a.parquet"}))
    path = write_frames(tmp_path / "b.parquet", "ours")
    with pytest.raises(InputError, match="it lacks first_frame, frames, start_frame; rerun the stage index"):
        clips.read_times(path, 25)


def test_without_curves_the_rate_is_the_videos(tmp_path, root):
    written(tmp_path / "report", Files(root / "synthesise"))
    facts = data(tmp_path, "curves/toy_set/clip_0")
    assert facts["rate_hz"] == 25
    assert facts["takes"]["ours"] == {
        "frames": FRAMES, "rate_hz": 25, "sound": True, "mouth": None, "curves": {},
    }  # fmt: skip
    assert players.CURVES[0] == "similarity"
