"""Facts about the report page: what is in it, and how it behaves in a browser that opens it from disk."""

import json
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, Request
from toy_report import LABELS, REASON, write_report_inputs, write_selftest

from tavce.cli import main
from tavce.files import write_json
from tavce.records import InputError
from tavce.report import report, sections
from tavce.report.report import whole_folder


class Written(HTMLParser):
    """Collects a page's addresses, identifiers and text."""

    def __init__(self, path: Path):
        super().__init__()
        self.addresses, self.ids, self.words = [], [], ""
        self.tags = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
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
    outside = ("https://arxiv.org/", "https://example.org/", "data:")
    local = [address for address in page.addresses if not address.startswith(outside)]
    assert {address for address in local if address.startswith("#")} > {"#tables", "#metrics", "#clips", "#datasets"}
    for address in local:
        parts = urlsplit(address)
        assert not parts.scheme
        assert (parts.fragment in page.ids) if parts.fragment else (Path(arguments.out) / unquote(parts.path)).is_file()
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_from_elsewhere(written):
    assert "iframe" not in written[1].tags
    outside = {address for address in written[1].addresses if address.startswith("http")}
    assert outside == {"https://arxiv.org/abs/2504.05746", "https://example.org/paper"}


def test_the_page_shows_tables_tests_listening_datasets_funnel_runs_and_environment(written):
    words = " ".join(written[1].words.split())
    assert "Comparison: toy_set" in words
    assert words.index("Comparison: toy_set") < words.index("Ablations of the renderer: toy_set")
    assert "Without both 31.33 second [31.08, 31.58] n 3 0.900 n 3" in words
    assert "TAVCE baseline 32.00 best ± 0.71 [31.75, 32.25] n 4×2" in words
    assert "quoted, not measured here: https://example.org/paper , table 2" in words
    assert "Of a method trained with several seeds, the first seed's videos are shown." in words
    assert "2 passed, 1 not asked; on 2 clips" in words
    assert "auc_audio 0.500 (0.48 to 0.52) 0.720 (0.70 to 0.74)" in words
    assert "kept, test 4 0.1 2 3" in words
    assert "detect 9 of 9 - 3 of 4 no_face 1" in words
    assert "metric / paper 0123456789ab-dirty" in words
    assert "torch 2.6.0 (1 run), 2.7.0 (1 run)" in words


def test_what_was_not_measured_is_listed_with_its_reason(written):
    words = " ".join(written[1].words.split())
    assert "Not measured in any row of this table: 14 of 21 metrics" in words
    assert "LPIPS, CPBD, FID" in words
    assert "Without both LPIPS, CPBD, FID, FD-MobileNetV2, CSIM, CSIM-dlib128, LMD-face, LSE-C, LSE-D" in words
    assert REASON in words


def test_labels_are_text_not_markup(written):
    assert "Still &lt;frame&gt; &amp; sound" in (Path(written[0].out) / "index.html").read_text()
    assert "frame" not in written[1].tags


def test_methods_are_in_the_order_of_the_table(written):
    words = written[1].words.split("Comparison: toy_set")[1]
    places = [words.index(label) for label in (*LABELS.values(), "quoted")]
    assert places == sorted(places)


def test_a_failed_self_test_is_said_on_top_of_the_page(tmp_path):
    arguments = write_report_inputs(tmp_path, {"tavce": "T"})
    write_selftest(tmp_path, passed=False)
    report.run(arguments)
    top, rest = (Path(arguments.out) / "index.html").read_text().split("</header>", 1)
    assert "on toy_set these metrics fail their self-test: PSNR" in top
    assert rest.index("FAILED") < rest.index("not asked")


def test_funnel_stages_are_in_the_order_of_the_pipeline():
    none = {"test": {"total": 2, "kept": 1, "dropped": {"no_face": 1}}}
    grid = sections.funnel_tables({"toy": {stage: none for stage in ("crop", "detect", "index", "sheet")}})["toy"]
    assert [line[0] for line in grid.lines] == ["sheet", "detect", "crop", "index"]


def test_dropped_clips_of_all_splits_are_added_up():
    splits = {"test": {"total": 2, "kept": 1, "dropped": {"no_face": 1}}}
    splits["val"] = {"total": 5, "kept": 2, "dropped": {"no_face": 1, "silent": 2}}
    (line,) = sections.funnel_tables({"toy": {"crop": splits}})["toy"].lines
    assert line == ["crop", "-", "2 of 5", "1 of 2", "no_face 2, silent 2"]


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


def test_a_json_that_is_no_run_is_named(tmp_path):
    write_json(tmp_path / "run.json", {"stage": "metric"})
    with pytest.raises(InputError, match="needs stage, name and metrics"):
        sections.read_runs([tmp_path / "run.json"])


def test_a_rows_lineage_names_its_runs_clips_and_commits_once(written):
    text = (Path(written[0].out) / "data/lineage/toy_set/plain.js").read_text()
    said = json.loads(json.loads(text.partition("JSON.parse(")[2].rpartition(")")[0].rpartition(")")[0]))
    (run,) = said["cells"]["psnr"]["runs"]
    assert [(clip["clip_id"], clip["value"]) for clip in run["worst"]] == [
        ("clip_0", 30),
        ("clip_1", 31),
        ("clip#3", 33),
    ]
    assert run["dropped"] == {REASON: {"clips": 1, "first": ["clip_2"]}}
    assert [fact["git_commit"] for fact in said["facts"]] == ["c" * 40]
    assert {place for cell in said["cells"].values() for run in cell["runs"] for place in run["facts"]} == {0}


@pytest.fixture(scope="module")
def window(browser) -> Page:
    """The window that the tests share."""
    return browser.new_page()


@pytest.fixture
def page(written, window) -> Iterator[Page]:
    """The page opened anew in a desktop's window; whatever it complains of fails the test."""
    seen: dict[str, list[str]] = {"complaints": [], "addresses": []}

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a video that the browser stops loading
            seen["complaints"].append(request.url)

    listeners = {
        "console": lambda message: seen["complaints"].append(message.text),
        "pageerror": lambda error: seen["complaints"].append(str(error)),
        "requestfailed": failed,
        "request": lambda request: seen["addresses"].append(request.url),
    }
    for event, listener in listeners.items():
        window.on(event, listener)
    window.set_viewport_size({"width": 1280, "height": 900})
    window.emulate_media(media="screen", color_scheme="light", reduced_motion="reduce")
    window.goto((Path(written[0].out) / "index.html").resolve().as_uri())
    yield window
    for event, listener in listeners.items():
        window.remove_listener(event, listener)
    assert seen["complaints"] == []
    assert {urlsplit(address).scheme for address in seen["addresses"]} <= {"file", "data"}


def order(page: Page) -> list[str]:
    """Return the methods of the first table, from above."""
    return page.evaluate("[...document.querySelectorAll('[data-table=toy_set] tbody tr')].map(row => row.dataset.row)")


def cell(method: str, metric: str) -> str:
    return f"[data-table=toy_set] tr[data-row={method}] td[data-column={metric}] button"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [390, 1440])
def test_the_page_never_scrolls_sideways(page, width_px, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width_px, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    pale = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0] > 128"
    assert page.evaluate(pale) is (scheme == "light")


def test_charts_and_figures_are_drawn(page):
    page.wait_for_load_state("load")
    widths = page.evaluate("[...document.querySelectorAll('.charts img')].map(image => image.naturalWidth)")
    assert len(widths) == 4
    assert min(widths) > 0


def test_a_heading_sorts_by_key_best_first_then_worst_then_as_given(page):
    given = order(page)
    heading = page.locator("[data-table=toy_set] th[data-column=psnr]")
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert order(page) == ["tavce", "ground_truth", "static", "other", "plain"]
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert order(page) == ["plain", "ground_truth", "static", "other", "tavce"]
    assert page.text_content("#sorted") == "Sorted by PSNR\u00a0↑, ascending"
    page.keyboard.press("Space")
    assert heading.get_attribute("aria-sort") == "none"
    assert order(page) == given


def test_rows_without_a_number_stay_last_and_one_column_is_sorted_at_a_time(page):
    page.click("[data-table=toy_set] th[data-column=psnr] button")
    page.click("[data-table=toy_set] th[data-column=av_corr] button")
    assert order(page)[-2:] == ["static", "other"]
    page.click("[data-table=toy_set] th[data-column=av_corr] button")
    assert order(page)[-2:] == ["static", "other"]
    sorted_by = "[...document.querySelectorAll('[data-table=toy_set] [aria-sort]:not([aria-sort=none])')].length"
    assert page.evaluate(sorted_by) == 1


def test_the_keyboard_opens_a_cells_lineage_and_escape_returns_to_the_cell(page):
    page.focus(cell("ground_truth", "psnr"))
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "Home"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#lineage dl")
    words = " ".join(page.inner_text("#lineage").split())
    assert words.startswith("PSNR, Without both")
    assert "value 31.33 dB 95 % interval [31.08, 31.58] n 3 clips of 2 speakers clips without a number 1" in words
    assert "difference −0.50 [−0.90, −0.10] dB pairs 3 clips of 2 speakers" in words
    assert "0.040: significant at α = 0.05" in words
    assert "clip_0 30.00 · speaker ann · https://example.org/watch?v=a&t=1" in words
    assert f"1 × {REASON}: clip_2" in words
    assert "mlflow_run_id " + "1" * 32 in words
    assert page.get_attribute("#lineage a >> nth=0", "href") == "#clip=toy_set/clip_0"
    assert page.get_attribute("#lineage a:text-is('clip#3')", "href") == "#clip=toy_set/clip%233"
    page.keyboard.press("Escape")
    assert not page.is_visible("#lineage")
    place = "[document.activeElement.closest('tr').dataset.row, document.activeElement.closest('td').dataset.column]"
    assert page.evaluate(place) == ["plain", "psnr"]


def test_a_quoted_cell_names_its_source_and_a_click_beside_the_panel_closes_it(page):
    page.click(cell("other", "psnr"))
    page.wait_for_selector("#lineage dl")
    assert "Not measured here. Source: https://example.org/paper, table 2" in page.inner_text("#lineage")
    page.mouse.click(20, 500)
    assert not page.is_visible("#lineage")


def test_every_run_of_several_seeds_is_told(page):
    page.click(cell("tavce", "psnr"))
    page.wait_for_selector("#lineage dl")
    words = " ".join(page.inner_text("#lineage").split())
    assert "RUN TAVCE value 31.50 clips 4" in words
    assert "RUN TAVCE-2025 value 32.50 clips 4" in words


def test_a_missing_file_of_data_is_named_in_the_panel(written, window, tmp_path):
    shutil.copytree(written[0].out, tmp_path / "report")
    (tmp_path / "report/data/lineage/toy_set/plain.js").unlink()
    window.goto((tmp_path / "report/index.html").as_uri())
    window.click(cell("plain", "psnr"))
    window.wait_for_selector("#lineage [role=alert]")
    assert window.inner_text("#lineage [role=alert]").startswith("data/lineage/toy_set/plain.js is not there")


def test_print_shows_every_section_and_no_panel(page):
    page.click(cell("plain", "psnr"))
    page.wait_for_selector("#lineage dl")
    page.emulate_media(media="print")
    assert not page.is_visible("#lineage")
    assert not page.is_visible("nav.sections")
    closed = page.locator("details.more:not([open]) table").first
    assert closed.bounding_box()["height"] > 20
    link = "getComputedStyle(document.querySelector('header a[href^=http]'), '::after').content"
    assert "arxiv.org" in page.evaluate(link) or "attr(href)" in page.evaluate(link)


def test_everything_that_can_be_used_has_a_name(page):
    nameless = """[...document.querySelectorAll('button, a[href], input, select, img, table, [role=region]')]
        .filter(found => !(found.textContent.trim() || found.getAttribute('aria-label') || found.alt
            || found.getAttribute('aria-labelledby') || found.closest('label')))
        .map(found => found.outerHTML.slice(0, 80))"""
    assert page.evaluate(nameless) == []


def test_a_clip_of_the_panel_leads_to_its_player(page):
    page.click(cell("plain", "psnr"))
    page.click("#lineage a:text-is('clip#3')")
    page.wait_for_function("document.activeElement.matches('[data-clip=\"clip#3\"][open] .play')")
    assert not page.is_visible("#lineage")
