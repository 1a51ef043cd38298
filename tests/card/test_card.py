"""Facts about dataset cards: what they count, of records that are made up here."""

import hashlib
import json
import re

import pytest
from pipeline import Pipeline, row, settings

from tavce.cli import main
from tavce.config.corpora import DemoCorpus, LrwCorpus
from tavce.files import read_json, write_json
from tavce.records import ClipRecord, write_lines
from tavce.stages import SHARD_STAGES

LOST = {"c": ("trim", "silent"), "d": ("download", "private"), "e": ("download", "private"), "f": ("sheet", "leak")}
SECONDS = {"a": 4.0, "b": 32.0}
NUMBERS = {"quality": {"loudness_db": -20.0, "face_px": 100.0, "yaw_deg": 12.5, "av_corr": None}}
SHARDS = {"0000": "abc", "0001": "def"}
NOTES = {
    "vox1_dev_txt": {
        "corpus": "VoxCeleb1",
        "parts": [{"file": "vox1_dev_txt.zip", "md5": "1" * 32, "published_md5": "2" * 32}],
    },
    "lrw": {"corpus": "LRW", "parts": [{"file": "lrw-v1-partaa", "md5": "3" * 32, "published_md5": "3" * 32}]},
}


@pytest.fixture
def mine(tmp_path) -> Pipeline:
    """Six clips of five videos, of which two are kept, in two shards."""
    rows = {
        "a": row("a", "https://x.org/1", speaker="ann", video_id="1", start_frame=0, end_frame=99, licence="CC BY 4.0"),
        "b": row("b", "https://x.org/1", speaker="ann", video_id="1", start_frame=100, end_frame=899, listed="val"),
        "c": row("c", "https://x.org/2", speaker="bob", video_id="2"),
        "d": row("d", "https://x.org/3", speaker="bob", video_id="3"),
        "e": row("e", "https://x.org/3", speaker="bob", video_id="3"),
        "f": row("f", "https://x.org/4", speaker="eve", video_id="4", reason="leak", detail="held out elsewhere"),
    }
    source = tmp_path / "clips.tsv"
    source.write_text("path\tspeaker\n", encoding="utf-8")
    corpus = {"reader": "folder", "source": str(source), "shards": 2, "split": {"val": 0.1, "test": 0.1, "seed": 1}}
    pipeline = Pipeline(tmp_path, settings(corpora={"mine": corpus}))
    for shard, clips in SHARDS.items():
        write_lines(pipeline.root / "sheet" / f"{shard}.jsonl", [rows[name] for name in clips])
        for stage in SHARD_STAGES:
            write_lines(pipeline.root / stage / f"{shard}.jsonl", [said(rows[name], stage) for name in clips])
    write_lines(pipeline.root / "index.jsonl", [said(rows[name], "index") for name in "abcdef"])
    (pipeline.root / "split").mkdir()
    sums = "".join(f"{letter * 64}  {name}.txt\n" for letter, name in zip("123", ("train", "val", "test"), strict=True))
    (pipeline.root / "split" / "SHA256SUMS").write_text(sums, encoding="utf-8")
    entries = [
        {
            "video_id": "1",
            "url": "",
            "event": "fetched",
            "at": "2026-01-02T03:04:05Z",
            "attempts": 1,
            "yt_dlp": "2026.1",
        },
        {"video_id": "3", "url": "", "event": "lost", "at": "2026-03-04T03:04:05Z", "attempts": 2, "yt_dlp": "2026.2"},
        {"video_id": "2", "url": "", "event": "found", "at": "2020-01-01T00:00:00Z"},
    ]
    pipeline.ledger.parent.mkdir()
    pipeline.ledger.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return pipeline


def said(clip, stage):
    """Return what a stage says of a clip."""
    lost_at, reason = LOST.get(clip.clip_id, (None, None))
    order = ["sheet", *SHARD_STAGES, "index"]
    seen = lost_at is not None and order.index(lost_at) <= order.index(stage)
    return ClipRecord(
        **{name: getattr(clip, name) for name in ("clip_id", "dataset", "split", "speaker")},
        stage=stage,
        version=1,
        reason=reason if seen else None,
        lost_at=lost_at if seen else None,
        detail="why | how\n" if seen else "",
        numbers={}
        if seen
        else {**NUMBERS.get(stage, {}), **({"seconds": SECONDS.get(clip.clip_id, 1.0)} if stage == "quality" else {})},
    )


def card(pipeline, **changes):
    """Write the card and return it."""
    root, sections = pipeline.root, json.loads(pipeline.settings.sections("card", "mine"))
    sections["corpus"] = changes.get("corpus", sections["corpus"])
    write_json(pipeline.folder / "archives.json", changes.get("notes", NOTES))
    outputs = {"--card": "card.json", "--text": "card.md", "--survival": "survival.tsv"}
    words = [str(word) for option, name in outputs.items() for word in (option, root / name)]
    inputs = ["--ledger", str(pipeline.ledger.parent), "--archives", str(pipeline.folder / "archives.json")]
    assert (
        main(["card", "--settings", json.dumps(sections), "--records", str(root / "index.jsonl"), *inputs, *words]) == 0
    )
    return read_json(root / "card.json")


def test_every_row_is_kept_or_dropped_and_counted_once(mine):
    found = card(mine)
    assert found["totals"] == {"rows": 6, "kept": 2, "dropped": 4}
    assert found["annotated"] == {
        "rows": 6,
        "usable": 5,
        "unusable": {"leak": 1},
        "videos": 3,
        "speakers": 2,
        "hours": 0.01,
        "moved_to_another_split": 1,
    }
    assert found["dropped"] == {"download": {"private": 2}, "trim": {"silent": 1}}
    assert found["licences"] == {"CC BY 4.0": 1, "unknown": 5}


def test_kept_clips_are_counted_and_measured(mine):
    found = card(mine)
    assert found["kept"]["train"] == {"clips": 2, "hours": 0.01, "speakers": 1, "videos": 1}
    assert found["kept"]["test"] == {"clips": 0, "hours": 0.0, "speakers": 0, "videos": 0}
    assert found["quantiles"]["seconds"] == {"p5": 5.4, "p50": 18.0, "p95": 30.6}
    assert found["quantiles"]["yaw_deg"]["p50"] == 12.5
    assert found["quantiles"]["av_corr"] is None
    assert found["quantiles"]["face_px"] == {"p5": 100.0, "p50": 100.0, "p95": 100.0}


def test_survival_counts_videos_and_clips_and_says_when_and_by_what_they_were_asked(mine):
    survival = card(mine)["survival"]
    assert survival["videos"] == {"exists": 2, "private": 1}
    assert survival["clips"] == {"exists": 3, "private": 2}
    assert (survival["share_videos"], survival["share_clips"]) == (0.6667, 0.6)
    assert survival["asked"] == {"first": "2026-01-02", "last": "2026-03-04"}
    assert survival["yt_dlp"] == {"2026.1": 1, "2026.2": 1}
    lines = (mine.root / "survival.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [
        "3\thttps://x.org/3\tprivate\t2\t2026-03-04\twhy | how",
        "1\thttps://x.org/1\texists\t2\t2026-01-02\t",
        "2\thttps://x.org/2\texists\t1\t\t",
    ]


def test_lists_are_known_by_their_hashes(mine):
    kept = hashlib.sha256(b"a\nb\n").hexdigest()
    assert card(mine)["splits"]["train"] == {"listed": "1" * 64, "kept": kept}
    assert card(mine)["splits"]["test"] == {"listed": "3" * 64, "kept": hashlib.sha256(b"").hexdigest()}


def test_a_corpus_without_speakers_says_so_and_quotes_its_archives(mine):
    found = card(mine, corpus=LrwCorpus(reader="lrw", source="/data/lrw", shards=2).model_dump(mode="json"))
    assert found["annotated"]["speakers"] is None
    assert [*found["archives"]] == ["lrw"]
    text = (mine.root / "card.md").read_text(encoding="utf-8")
    assert "Its speakers are not annotated" in text
    assert f"| lrw-v1-partaa | {'3' * 32} | {'3' * 32} |" in text
    assert "| kept, train | 2 | 0.01 | – | 1 |" in text


def test_archives_are_known_that_were_unpacked_where_the_source_lies(mine, tmp_path):
    (tmp_path / "data/lrw/lipread_mp4").mkdir(parents=True)
    write_json(tmp_path / "data/archives.json", {"lrw": {"corpus": "LRW", "parts": []}, "x": {"corpus": "VoxCeleb2"}})
    corpus = LrwCorpus(reader="lrw", source=str(tmp_path / "data/lrw/lipread_mp4"), shards=2)
    assert card(mine, notes={}, corpus=corpus.model_dump(mode="json"))["archives"] == {
        "lrw": {"corpus": "LRW", "parts": []}
    }


def test_a_corpus_without_a_source_of_its_own_has_a_card_too(mine):
    demo = {"reader": "demo", "shards": 2, "speakers": 4, "clips_train": 1, "clips_val": 1, "clips_test": 1, "seed": 1}
    card(mine, corpus=DemoCorpus(**demo).model_dump(mode="json"))
    assert "Corpus `demo`. Made " in (mine.root / "card.md").read_text(encoding="utf-8")


def test_the_text_says_what_the_json_says(mine):
    card(mine)
    text = (mine.root / "card.md").read_text(encoding="utf-8")
    assert "2 of 3 videos exist (66.7%), and with them 3 of 5 annotated clips (60.0%)" in text
    assert "6 rows of the sheet = 2 kept + 4 dropped." in text
    assert re.findall(r"^\| (?:sheet|download|trim) \|.*$", text, re.MULTILINE) == [
        "| sheet | leak | 1 |",
        "| download | private | 2 |",
        "| trim | silent | 1 |",
    ]
    assert "1 clips were held out with others of their speaker or video" in text
    assert "## Archives" not in text
