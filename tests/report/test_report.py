import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from toy_report import LABELS, REASON, score_row, write_report_inputs

from tavce import media
from tavce.cli import main
from tavce.files import write_json
from tavce.records import InputError
from tavce.report import report, sections
from tavce.report.report import MAX_CLIPS, side_by_side, whole_folder


class Written(HTMLParser):
    """Collects a page's addresses, identifiers and text."""

    def __init__(self, path: Path):
        super().__init__()
        self.addresses, self.ids, self.words = [], set(), ""
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids.add(given.get("id"))
        self.addresses += [given[name] for name in ("src", "href", "poster") if name in given]

    def handle_data(self, data):
        self.words += " " + data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The command itself: its arguments, and the page it wrote."""
    arguments = write_report_inputs(tmp_path_factory.mktemp("report"))
    flags = []
    for name, value in vars(arguments).items():
        flags += [f"--{name.replace('_', '-')}", *(value if isinstance(value, list) else [value])]
    assert main(["report", *flags]) == 0
    return arguments, Written(Path(arguments.out) / "index.html")


def test_every_link_leads_somewhere_inside_the_folder(written):
    arguments, page = written
    local = [address for address in page.addresses if not address.startswith(("https://arxiv.org/", "data:"))]
    assert len(local) == 7 + 2 * 15 + 2  # sections; videos, each with its picture; figures
    for address in local:
        parts = urlsplit(address)
        assert not parts.scheme
        assert (parts.fragment in page.ids) if parts.fragment else (Path(arguments.out) / unquote(parts.path)).is_file()


def test_a_videos_picture_is_its_middle_frame(written):
    videos = sorted((Path(written[0].out) / "videos").rglob("*.mp4"))
    assert len(videos) == 15
    for video in videos:
        frames = list(media.decode(video))
        picture = cv2.imread(str(video.with_suffix(".jpg")))[:, :, ::-1].astype(int)
        errors = [np.abs(picture - frame).mean() for frame in frames]
        assert errors[len(frames) // 2] == min(errors) < 4


def test_nothing_is_loaded_from_elsewhere(written):
    assert {"link", "script", "style"} <= {*written[1].tags}
    assert "iframe" not in written[1].tags
    assert sum(address.startswith("http") for address in written[1].addresses) == 1


def test_the_page_shows_table_listening_check_funnel_and_runs(written):
    words = " ".join(written[1].words.split())
    assert "Without both 31.33 (n=3)" in words
    assert "TAVCE 32.00 ± 0.71 (n=4×2)" in words
    assert "Of a method trained with several seeds, the first seed's videos are shown." in words
    assert "auc_audio 0.500 (0.48 to 0.52) 0.720 (0.70 to 0.74)" in words
    assert "detect 9 of 9 - 3 of 4 no_face 1" in words
    assert "metric / paper 0123456789ab-dirty" in words
    assert f"dropped {REASON.removeprefix('dropped ')}" in words


def test_labels_are_text_not_markup(written):
    assert "Still &lt;frame&gt; &amp; sound" in (Path(written[0].out) / "index.html").read_text()
    assert "frame" not in written[1].tags


def test_funnel_stages_are_in_the_order_of_the_pipeline():
    none = {"test": {"total": 2, "kept": 1, "dropped": {"no_face": 1}}}
    grid = sections.funnel_tables({"toy": {stage: none for stage in ("crop", "detect", "index", "sheet")}})["toy"]
    assert [line[0] for line in grid.lines] == ["sheet", "detect", "crop", "index"]


def test_dropped_clips_of_all_splits_are_added_up():
    splits = {"test": {"total": 2, "kept": 1, "dropped": {"no_face": 1}}}
    splits["val"] = {"total": 5, "kept": 2, "dropped": {"no_face": 1, "silent": 2}}
    (line,) = sections.funnel_tables({"toy": {"crop": splits}})["toy"].lines
    assert line == ["crop", "-", "2 of 5", "1 of 2", "no_face 2, silent 2"]


def test_methods_are_in_the_order_of_the_labels(written):
    _, grid = sections.read_table(written[0].tables[0])
    assert [line[0] for line in grid.lines] == [*LABELS.values()]
    rows = [score_row(method, "clip_0", 0) for method in sorted(LABELS)]
    (clip,) = side_by_side(rows, LABELS)
    assert [take.label for take in clip.takes] == [*LABELS.values()]


def test_a_second_report_replaces_the_first(written):
    arguments, _ = written
    out = Path(arguments.out)
    (out / "stale.txt").write_text("from an earlier run")
    report.run(arguments)
    assert not (out / "stale.txt").exists()
    assert [path.name for path in out.parent.glob("report*")] == ["report"]


def test_a_report_that_fails_leaves_the_earlier_one(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report/index.html").write_text("earlier")

    def write_half() -> None:
        with whole_folder(tmp_path / "report") as folder:
            (folder / "index.html").write_text("half")
            (folder / "missing.mp4").read_bytes()

    with pytest.raises(FileNotFoundError, match=r"missing\.mp4"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    assert (tmp_path / "report/index.html").read_text() == "earlier"


def test_a_scored_video_that_is_gone_is_named(tmp_path):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    (tmp_path / "synthesise/toy_set/tavce/clip_1.mp4").unlink()
    with pytest.raises(InputError, match=r"clip_1\.mp4 was scored but is not there"):
        report.run(arguments)
    assert not Path(arguments.out).exists()


def test_speakers_take_turns_and_no_score_decides():
    rows = [
        score_row("tavce", clip_id, place) for place, clip_id in enumerate(["clip_0", "clip_1", "clip_2", "clip#3"])
    ]
    shown = [clip.clip_id for clip in side_by_side(rows, {"tavce": "T"})]
    assert shown == ["clip_0", "clip_2", "clip_1", "clip#3"]


def test_at_most_twelve_clips_are_shown():
    row = score_row("tavce", "clip_0", 0)
    rows = [row.model_copy(update={"clip_id": f"c{number}"}) for number in range(30)]
    assert len(side_by_side(rows, LABELS)) == MAX_CLIPS == 12


def test_a_clip_that_a_method_did_not_try_says_so():
    rows = [score_row("tavce", "clip_0", 0), score_row("plain", "clip_1", 1)]
    first, _ = side_by_side(rows, {"tavce": "T", "plain": "P"})
    assert [(take.label, take.caption) for take in first.takes][1] == ("P", "not tried")


def test_a_csv_that_is_no_table_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv is no table of this version"):
        sections.read_table(tmp_path / "t.csv")


def test_a_json_that_is_no_run_is_named(tmp_path):
    write_json(tmp_path / "run.json", {"stage": "metric"})
    with pytest.raises(InputError, match="needs stage, name and metrics"):
        sections.read_runs([tmp_path / "run.json"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine's."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("NO CHROMIUM ON THIS MACHINE: the report page was not opened in a browser (apt install chromium)")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--mute-audio"])


def opened(browser: Browser, written: Path, width_px: int) -> tuple[Page, list[str], list[str]]:
    """Return the page in a window of this width, what it complains of, and every address it asks for."""
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    complaints: list[str] = []
    addresses: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(written.resolve().as_uri())
    return page, complaints, addresses


@pytest.mark.parametrize("width_px", [390, 1280])
def test_a_browser_shows_the_page_without_complaint_or_sideways_scrolling(written, browser, width_px):
    page, complaints, addresses = opened(browser, Path(written[0].out) / "index.html", width_px)
    videos = "[...document.querySelectorAll('video')]"
    page.wait_for_function(f"{videos}.every(video => video.readyState >= 2)")
    assert page.evaluate(f"{videos}.map(video => video.videoWidth)") == [64] * 15
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    assert complaints == []
    assert {urlsplit(address).scheme for address in addresses} <= {"file", "data"}


def test_the_keyboard_plays_a_row_together_with_one_sound_and_stops_it(written, browser):
    page, _, _ = opened(browser, Path(written[0].out) / "index.html", 1280)
    videos = "[...document.querySelectorAll('.clip:first-of-type video')]"
    page.focus(".clip button")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{videos}.every(video => video.currentTime > 0.3)")
    state = page.evaluate(f"{videos}.map(video => [video.paused, video.muted, video.currentTime])")
    assert [paused for paused, _, _ in state] == [False] * 4
    assert [muted for _, muted, _ in state] == [False, True, True, True]
    times = [time for _, _, time in state]
    assert max(times) - min(times) < 0.2
    page.keyboard.press("Enter")
    assert page.evaluate(f"{videos}.map(video => video.paused)") == [True] * 4
    assert page.evaluate("document.activeElement.textContent") == "Play all"
