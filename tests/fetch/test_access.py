"""Facts about the user's cookies and proxy: what is refused, that they are used, and that nobody can read them."""

import os
import stat

import pytest
from bad_server import BadServer, Good, Page, Silent, Status
from pipeline import row

from tavce.fetch.access import from_environment
from tavce.records import InputError

USER, PASSWORD, COOKIE = "frieda", "ge:heim/77", "eyJ-cookie-value-42"
SECRETS = (USER, PASSWORD, "ge%3Aheim%2F77", COOKIE)
NETSCAPE = "# Netscape HTTP Cookie File\nvideos.example\tFALSE\t/\tFALSE\t4102444800\tsession\t{}\n"


@pytest.fixture
def cookies(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("private") / "cookies.txt"
    path.write_text(NETSCAPE.format(COOKIE), encoding="utf-8")
    path.chmod(0o400)
    monkeypatch.setenv("TAVCE_COOKIES", str(path))
    return path


@pytest.fixture
def proxy(monkeypatch, video):
    """A server that every url is asked of; the video's page sends on with a token, as some do."""
    routes = {
        "a.mp4": Good(video),
        "page.mp4": Status(302, headers={"Location": f"http://videos.example/login?token={COOKIE}"}),
        "login": Page(kind="text/html"),
        "slow.mp4": Silent(2),
        "gone.mp4": Status(404),
    }
    with BadServer(routes) as server:
        monkeypatch.setenv("TAVCE_PROXY", f"http://{USER}:ge%3Aheim%2F77@{server.url.removeprefix('http://')}")
        yield server


def everything_written(folder):
    """Return names and contents of all files."""
    return "\n".join(f"{path}\n{path.read_bytes()!r}" for path in folder.rglob("*") if path.is_file())


def test_cookies_and_proxy_open_doors_and_are_read_nowhere(mine, cookies, proxy, caplog, capfd):
    caplog.set_level("DEBUG")
    names = ("a", "page", "slow", "gone")
    mine.write_rows(*[row(name, f"http://videos.example/{name}.mp4", video_id=name) for name in names])
    before = (cookies.read_bytes(), cookies.stat().st_mtime_ns, stat.S_IMODE(cookies.stat().st_mode))
    mine.run_all("download")
    assert mine.reasons("download") == {
        "a": None,
        "page": "download_failed",
        "slow": "network",
        "gone": "unavailable",
    }
    assert proxy.headers[0]["Cookie"] == f"session={COOKIE}"
    assert proxy.headers[0]["Proxy-Authorization"].startswith("Basic ")
    assert "token=***" in mine.records("download")["page"].detail
    texts = (everything_written(mine.folder), caplog.text, *capfd.readouterr())
    assert [secret for secret in SECRETS for text in texts if secret in text] == []
    assert (cookies.read_bytes(), cookies.stat().st_mtime_ns, stat.S_IMODE(cookies.stat().st_mode)) == before


def test_the_demo_s_own_server_gets_neither(mine, cookies, proxy, tmp_path, video):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "a.mp4").write_bytes(video.read_bytes())
    mine.write_rows(row("a", "served:a.mp4", video_id="a"))
    assert mine.run("download", "--serve", tmp_path / "served") == 0
    assert mine.reasons("download") == {"a": None}
    assert proxy.asked == []


def test_without_either_there_is_nothing_to_hide(monkeypatch):
    for name in ("TAVCE_COOKIES", "TAVCE_PROXY", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    access = from_environment()
    assert (access.cookies, access.proxy, access.redact("a b")) == (None, None, "a b")


def test_the_password_of_the_system_s_proxy_is_hidden_too(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://anna:hunter22@proxy.example:3128")
    assert from_environment().redact("by http://anna:hunter22@proxy.example") == "by http://***@proxy.example"


def test_what_holds_secrets_does_not_show_them(cookies, proxy):
    assert not any(secret in repr(from_environment()) for secret in SECRETS)


@pytest.mark.parametrize("place", [".", "deeper/still", "link"])
def test_cookies_in_the_working_folder_are_refused(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deeper/still").mkdir(parents=True)
    if place == "link":
        os.symlink(tmp_path / "deeper", tmp_path / "link")
    path = tmp_path / place / "cookies.txt"
    path.write_text(NETSCAPE.format(COOKIE), encoding="utf-8")
    monkeypatch.setenv("TAVCE_COOKIES", str(path))
    with pytest.raises(InputError, match=r"lies in the working folder or the repository, .*: move it elsewhere"):
        from_environment()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no file: name the file of cookies"),
        (f"session={COOKIE}\n", "is no file of cookies in Netscape's format .*: export it again"),
        (f'[{{"name": "session", "value": "{COOKIE}"}}]', "is no file of cookies in Netscape's format"),
    ],
)
def test_cookies_that_cannot_be_read_are_refused_and_not_shown(tmp_path, monkeypatch, text, message):
    path = tmp_path / "cookies.txt"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TAVCE_COOKIES", str(path))
    with pytest.raises(InputError, match=f"TAVCE_COOKIES={path} {message}") as caught:
        from_environment()
    assert COOKIE not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["proxy.example:80", "ftp://anna:hunter22@h:1", "http://anna:hunter22@h:port", "http://"]
)
def test_a_proxy_that_is_none_is_refused_and_not_shown(monkeypatch, url):
    monkeypatch.setenv("TAVCE_PROXY", url)
    with pytest.raises(InputError, match=r"TAVCE_PROXY is no url of a proxy: write http://\[user") as caught:
        from_environment()
    assert "hunter22" not in str(caught.value)
