"""Facts about the JavaScript runtime: where it is looked for, and who is told when there is none."""

import importlib.util
import shutil
import sysconfig

import pytest
from pipeline import row

from tavce.fetch import javascript
from tavce.fetch.client import Client
from tavce.fetch.errors import FetchError
from tavce.records import Reason


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without deno."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path / "scripts"))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    return tmp_path / "scripts"


def test_deno_beside_this_python_comes_first(nowhere, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: "/usr/bin/deno")
    assert javascript.options() == {"js_runtimes": {"deno": {"path": "/usr/bin/deno"}}}
    nowhere.mkdir()
    (nowhere / "deno").touch()
    assert javascript.options() == {"js_runtimes": {"deno": {"path": str(nowhere / "deno")}}}


def test_without_it_yt_dlp_is_given_none(nowhere):
    assert javascript.options() == {"js_runtimes": {}}


@pytest.mark.parametrize(("scripts", "words"), [(True, "deno"), (False, "deno and yt-dlp-ejs")])
def test_what_is_missing_is_named_with_the_remedy(nowhere, monkeypatch, scripts, words):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object() if scripts else None)
    said = javascript.missing()
    assert said.startswith(f"without {words}, YouTube gives ")
    assert said.endswith("run `make setup`, or `pip install 'yt-dlp[default,deno]'`")


def test_where_both_are_there_nothing_is_missing(nowhere, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    monkeypatch.setattr(shutil, "which", lambda _name: "/usr/bin/deno")
    assert javascript.missing() is None


def test_it_is_missed_once_and_only_where_youtube_is_asked(mine, nowhere, monkeypatch, caplog):
    def refuses(_client, url, _target):
        raise FetchError(Reason.PRIVATE, url)

    monkeypatch.setattr(Client, "fetch", refuses)
    mine.write_rows(row("e", "https://videos.example/a.mp4", video_id="e"))
    mine.run_all("download")
    assert "YouTube gives" not in caplog.text
    urls = [f"https://youtu.be/aaaaaaaaaa{n}" for n in range(6)]
    mine.write_rows(*[row(str(n), url, video_id=str(n)) for n, url in enumerate(urls)])
    mine.run_all("download")
    assert caplog.text.count("YouTube gives some formats only, or none") == 1
