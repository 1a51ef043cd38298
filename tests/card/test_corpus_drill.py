"""The drill (`make corpus-drill`): 40 videos, 15 of which misbehave, from their list to the card; then all mended."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_server import BadServer, Empty, Good, Loop, Page, Silent, Status, Truncated
from coded_video import ffmpeg
from pipeline import SHARD, Pipeline, settings

from tavce.cli import main
from tavce.fetch import ledger
from tavce.files import read_json
from tavce.records import ClipRecord

pytestmark = pytest.mark.slow

VIDEOS, FRAMES = 40, 26
HASTY = {"concurrency": 8, "attempts": 2, "pause_s": 0, "per_host_s": 0, "timeout_s": 1, "reserve_gb": 0}
GONE = ("unavailable", "removed")
STAGES = ("trim", "detect", "crop", "quality", "mel")


def misbehaviour(video: Path) -> dict[str, tuple[object, str]]:
    """Return what fifteen videos do, and what becomes of them; those that mend themselves are fetched."""
    half = video.stat().st_size // 2
    return {
        "gone": (Status(404), "unavailable"),
        "gone for good": (Status(410), "removed"),
        "-forbidden": (Status(403), "download_failed"),
        "broken": (Status(500), "network"),
        "busy": (Status(503), "network"),
        "cut off": (Truncated(video, half, times=None), "network"),
        "page": (Page(), "not_a_video"),
        "empty; rm -rf $(x)": (Empty(), "empty_file"),
        "round and round": (Loop(), "download_failed"),
        "slow": (Silent(3), "network"),
        "half a video": (Good(video.with_name("half.mp4")), "not_a_video"),
        "_broken once": (Status(500, times=1, then=Good(video)), "fetched"),
        "it's reset": (Truncated(video, half, reset=True), "fetched"),
        "hung up on ü": (Truncated(video, half), "fetched"),
        "without ranges": (Truncated(video, half, ranges=False), "fetched"),
    }


@dataclass(frozen=True)
class Drill:
    """What two runs left: every stage's records after each, and the cards."""

    lost: dict[str, str]
    asked_again: set[str]
    records: list[dict[str, ClipRecord]]
    outcomes: list[dict[str, ledger.Entry]]
    cards: list[dict]
    texts: list[str]
    survival: list[str]


def run(pipeline: Pipeline) -> tuple[dict, str, str]:
    """Run every stage from the download to the card; return the card, its text, and the list of videos."""
    pipeline.run_all("download", *STAGES)
    root, basis = pipeline.root, str(pipeline.folder / "basis.npz")
    crops = ["--crops", str(pipeline.h5("crop")), "--records", str(pipeline.records_path("quality"))]
    assert main(["basis", "--settings", pipeline.settings.sections("basis"), *crops, "--out", basis]) == 0
    assert pipeline.run("motion", "--basis", basis) == 0
    files = ["--out", str(root / "index.parquet"), "--records", str(root / "index.jsonl")]
    assert main(["index", "--root", str(root), "--shards", SHARD, *files]) == 0
    card = [
        "--card",
        str(root / "card.json"),
        "--text",
        str(root / "card.md"),
        "--survival",
        str(root / "survival.tsv"),
    ]
    said = ["--settings", pipeline.settings.sections("card", "mine"), "--archives", "none.json"]
    assert (
        main(["card", *said, "--records", str(root / "index.jsonl"), "--ledger", str(pipeline.ledger.parent), *card])
        == 0
    )
    texts = [(root / name).read_text(encoding="utf-8") for name in ("card.md", "survival.tsv")]
    return read_json(root / "card.json"), *texts


@pytest.fixture(scope="module")
def drill(tmp_path_factory, demo_video) -> Drill:
    folder = tmp_path_factory.mktemp("drill")
    video = folder / "good.mp4"
    ffmpeg("-i", demo_video, "-t", FRAMES / 25, "-preset", "ultrafast", video)
    video.with_name("half.mp4").write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    bad = misbehaviour(video)
    names = [*bad, *(f"good{number:02d}" for number in range(VIDEOS - len(bad)))]
    routes = {f"{name}.mp4": bad[name][0] if name in bad else Good(video) for name in names}
    with BadServer(routes) as server:
        lines = [f"{server.url_of(f'{name}.mp4')}\t{name}\ttrain\t{name}\n" for name in names]
        (folder / "clips.tsv").write_text("path\tspeaker\tsplit\tvideo_id\n" + "".join(lines), encoding="utf-8")
        corpus = {"reader": "folder", "source": str(folder / "clips.tsv"), "shards": 1}
        corpus["split"] = {"val": 0.1, "test": 0.1, "seed": 1}
        trim = {"min_frames": 25, "preset": "ultrafast"}
        motion = {"expression": 8}
        mine = Pipeline(folder, settings(corpora={"mine": corpus}, download=HASTY, trim=trim, motion=motion))
        assert mine.write_sheet() == 0
        first = run(mine), mine.records("download"), ledger.outcomes(ledger.read(mine.ledger))
        asked = server.count()
        server.mend(video)
        second = run(mine), mine.records("download"), ledger.outcomes(ledger.read(mine.ledger))
        again = {path.removesuffix(".mp4") for path, _ in server.asked[asked:]}
    runs = (first, second)
    lost = {name: reason for name, (_, reason) in bad.items() if reason != "fetched"}
    cards, texts, survival = zip(*(found[0] for found in runs), strict=True)
    return Drill(lost, again, [found[1] for found in runs], [found[2] for found in runs], cards, texts, survival)


def test_every_video_has_its_fate_in_the_first_run(drill):
    by_speaker = {record.speaker: record for record in drill.records[0].values()}
    assert len(by_speaker) == VIDEOS
    assert {name: str(record.reason) for name, record in by_speaker.items() if not record.kept} == drill.lost


def test_the_ledger_adds_up_and_says_what_the_records_say(drill):
    for records, outcomes in zip(drill.records, drill.outcomes, strict=True):
        assert len(outcomes) == VIDEOS
        by_speaker = {record.speaker: record.reason for record in records.values()}
        assert {name: entry.reason for name, entry in outcomes.items()} == by_speaker


def test_the_second_run_asks_only_for_what_was_missing_and_may_have_come_back(drill):
    gone = {name for name, reason in drill.lost.items() if reason in GONE}
    assert drill.asked_again == drill.lost.keys() - gone
    assert {record.speaker for record in drill.records[1].values() if not record.kept} == gone


def test_the_card_says_so(drill):
    lost = Counter(drill.lost.values())
    assert drill.cards[0]["survival"]["videos"] == {"exists": VIDEOS - len(drill.lost), **lost}
    assert drill.cards[0]["survival"]["share_clips"] == (VIDEOS - len(drill.lost)) / VIDEOS
    assert drill.cards[1]["survival"]["videos"] == {"exists": VIDEOS - len(GONE), **dict.fromkeys(GONE, 1)}
    for card in drill.cards:
        assert card["totals"]["rows"] == VIDEOS == card["totals"]["kept"] + card["totals"]["dropped"]
        assert card["kept"]["train"]["clips"] == card["survival"]["videos"]["exists"]
        assert card["dropped"] == {"download": {k: n for k, n in card["survival"]["videos"].items() if k != "exists"}}
    assert "29 of 40 videos exist (72.5%)" in drill.texts[0]
    assert "38 of 40 videos exist (95.0%)" in drill.texts[1]


def test_the_list_of_videos_names_the_lost_ones_first(drill, caplog):
    lines = [line.split("\t") for line in drill.survival[0].splitlines()]
    assert lines[0] == ["video_id", "source", "outcome", "clips", "asked", "detail"]
    assert {cells[0]: cells[2] for cells in lines[1 : 1 + len(drill.lost)]} == drill.lost
    assert {cells[2] for cells in lines[1 + len(drill.lost) :]} == {"exists"}
    caplog.set_level(logging.INFO)
    logging.getLogger(__name__).info("the card after the second run:\n%s", drill.texts[1])
