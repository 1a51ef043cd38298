"""Facts about downloads, by the real yt-dlp from a real server on this machine."""

import os
import socket
from datetime import UTC, datetime
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from bad_server import BadServer, Good
from coded_video import steady, tone, write_coded
from pipeline import Pipeline, row, settings

from tavce.fetch import server as serving
from tavce.fetch.client import VERSION, Client
from tavce.fetch.raw import LONGEST_NAME
from tavce.fetch.server import serve
from tavce.files import sha256

SETTINGS = settings(download={"attempts": 1, "timeout_s": 5, "per_host_s": 0, "reserve_gb": 0})


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_coded(tmp_path_factory.mktemp("video") / "a.mp4", steady(25, 30), tone(1.2))


@pytest.fixture
def server(tmp_path, video):
    """A folder to serve with one good video, a page that calls itself one, and an empty one."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(video.read_bytes())
    (folder / "page.mp4").write_text("<html><body>Sign in</body></html>" * 40, encoding="utf-8")
    (folder / "empty.mp4").touch()
    return folder


@pytest.fixture
def mine(tmp_path):
    return Pipeline(tmp_path, SETTINGS)


def fetch(pipeline, server, *rows):
    pipeline.write_rows(*rows)
    assert pipeline.run("download", "--serve", server) == 0
    return pipeline.records("download")


def test_a_served_video_is_fetched_byte_by_byte(mine, server):
    record = fetch(mine, server, row("a", "served:a.mp4", video_id="a"))["a"]
    assert record.kept
    assert record.numbers == {
        "path": str(mine.folder / "raw/a.mp4"),
        "bytes": (server / "a.mp4").stat().st_size,
        "height_px": 64,
        "format": "mp4",
        "yt_dlp": VERSION,
        "fetched": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    assert sha256(mine.folder / "raw/a.mp4") == sha256(server / "a.mp4")


def test_a_video_that_is_gone_is_unavailable(mine, server):
    record = fetch(mine, server, row("b", "served:gone.mp4", video_id="b"))["b"]
    assert record.reason == "unavailable"
    assert record.detail.startswith("served:gone.mp4: ")
    assert "404" in record.detail
    assert "\x1b" not in record.detail


def test_an_empty_answer_is_an_empty_file(mine, server):
    record = fetch(mine, server, row("e", "served:empty.mp4", video_id="e"))["e"]
    assert record.reason == "empty_file"
    assert [path.name for path in (mine.folder / "raw").iterdir() if path.stat().st_size] == []


def test_a_page_that_calls_itself_a_video_is_set_aside_with_a_note(mine, server):
    record = fetch(mine, server, row("p", "served:page.mp4", video_id="p"))["p"]
    assert record.reason == "not_a_video"
    assert list((mine.folder / "raw").iterdir()) == []
    assert (mine.folder / "quarantine/p.mp4").read_text(encoding="utf-8").startswith("<html>")
    assert (mine.folder / "quarantine/p.mp4.txt").read_text(encoding="utf-8").startswith("not_a_video: ")


def test_the_shard_goes_on_after_a_failure(mine, server):
    rows = [row(name, f"served:{name}.mp4", video_id=name) for name in ("gone", "page", "a")]
    fetch(mine, server, *rows)
    assert mine.reasons("download") == {"gone": "unavailable", "page": "not_a_video", "a": None}


def test_a_finished_video_is_not_fetched_again(mine, server):
    with BadServer({"a.mp4": Good(server / "a.mp4")}) as asked:
        mine.write_rows(row("a", asked.url_of("a.mp4"), video_id="a"))
        mine.run_all("download")
        first = asked.count()
        mine.run_all("download")
    assert first > 0
    assert asked.count() == first


@pytest.mark.parametrize("name", ["a.mp4.part", "a.f137.mp4", "a.temp.mp4", "a.mp4.ytdl", "a.b.mp4"])
def test_an_unfinished_or_another_video_is_not_taken_for_the_finished_one(mine, server, name):
    (mine.folder / "raw").mkdir()
    (mine.folder / "raw" / name).write_bytes((server / "a.mp4").read_bytes()[:1000])
    with BadServer({"a.mp4": Good(server / "a.mp4")}) as asked:
        mine.write_rows(row("a", asked.url_of("a.mp4"), video_id="a"))
        mine.run_all("download")
    assert mine.records("download")["a"].numbers["path"] == str(mine.folder / "raw/a.mp4")
    assert sha256(mine.folder / "raw/a.mp4") == sha256(server / "a.mp4")


def test_a_video_rendered_anew_is_fetched_anew(mine, server, tmp_path):
    clip = row("a", "served:a.mp4", video_id="a")
    fetch(mine, server, clip)
    write_coded(server / "a.mp4", steady(25, 40), tone(1.6))
    fetch(mine, server, clip)
    assert sha256(mine.folder / "raw/a.mp4") == sha256(server / "a.mp4")


def test_a_download_outlives_what_was_served(mine, server):
    clip = row("a", "served:a.mp4", video_id="a")
    fetch(mine, server, clip)
    (server / "a.mp4").unlink()
    assert fetch(mine, server, clip)["a"].kept


def test_clips_of_one_failed_video_are_all_dropped_and_it_is_tried_once(mine, server):
    with BadServer({}) as asked:
        url = asked.url_of("gone.mp4")
        rows = [row(f"g{number}", url, speaker="gus", video_id="gone") for number in range(3)]
        mine.write_rows(*rows)
        mine.run_all("download")
    assert set(mine.reasons("download").values()) == {"unavailable"}
    assert asked.count() == 1


def test_clips_of_one_video_share_its_download(mine, server):
    rows = [row(f"a{number}", "served:a.mp4", speaker="anna", video_id="a") for number in range(3)]
    found = fetch(mine, server, *rows)
    assert {record.numbers["path"] for record in found.values()} == {str(mine.folder / "raw/a.mp4")}


@pytest.mark.parametrize("video_id", ["-x_1/ä?b#c%d", "[a]*", "a" * 400])
def test_any_video_id_gives_a_file_name(mine, server, video_id):
    record = fetch(mine, server, row("a", "served:a.mp4", video_id=video_id))["a"]
    assert record.kept
    assert len(os.path.basename(record.numbers["path"])) < LONGEST_NAME + 30
    assert len(list((mine.folder / "raw").iterdir())) == 1


def test_long_video_ids_that_begin_alike_have_files_of_their_own(mine, server):
    rows = [row(name, "served:a.mp4", video_id="x" * 300 + name) for name in ("one", "two")]
    found = fetch(mine, server, *rows)
    assert found["one"].numbers["path"] != found["two"].numbers["path"]


def test_a_local_video_is_used_where_it_lies(mine, video):
    digest, changed = sha256(video), video.stat().st_mtime_ns
    mine.write_rows(row("a", video))
    mine.run_all("download")
    assert mine.records("download")["a"].numbers == {"path": str(video)}
    assert (sha256(video), video.stat().st_mtime_ns) == (digest, changed)
    assert not (mine.folder / "raw").exists()


def test_a_local_file_that_is_no_video_is_neither_moved_nor_changed(mine, tmp_path):
    (tmp_path / "text.mp4").write_text("mine", encoding="utf-8")
    mine.write_rows(row("t", tmp_path / "text.mp4"), row("n", tmp_path / "nowhere.mp4"))
    mine.run_all("download")
    assert mine.reasons("download") == {"t": "not_a_video", "n": "missing_file"}
    assert (tmp_path / "text.mp4").read_text(encoding="utf-8") == "mine"
    assert not (mine.folder / "quarantine").exists()


def test_a_download_that_leaves_no_file_is_a_failure(mine, server, monkeypatch):
    options = Client._options
    monkeypatch.setattr(Client, "_options", lambda *said: {**options(*said), "skip_download": True})
    record = fetch(mine, server, row("a", "served:a.mp4", video_id="a"))["a"]
    assert (record.reason, record.detail) == ("download_failed", "served:a.mp4: yt-dlp wrote no file")


def test_a_client_that_hangs_up_is_no_error_of_the_server(tmp_path, capfd):
    (tmp_path / "long.mp4").write_bytes(bytes(2**24))
    with serve(str(tmp_path)) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"GET /long.mp4 HTTP/1.0\r\n\r\n")
            assert client.recv(9)
        with urlopen(f"{url}/long.mp4") as response:
            assert len(response.read()) == 2**24
    assert capfd.readouterr().err == ""


def test_any_other_error_of_the_server_is_told(tmp_path, capfd, monkeypatch):
    def breaks(_handler):
        raise ValueError("a bug")

    monkeypatch.setattr(serving._QuietHandler, "do_GET", breaks)
    with serve(str(tmp_path)) as url, pytest.raises(ConnectionError):
        urlopen(f"{url}/a.mp4")
    assert "ValueError: a bug" in capfd.readouterr().err
