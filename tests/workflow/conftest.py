import shutil

import pytest
from project import VIDEOS, Project


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A folder corpus of six files that nothing has been made of yet."""
    return _with_videos(tmp_path)


@pytest.fixture(scope="session")
def _pretended(tmp_path_factory) -> Project:
    project = _with_videos(tmp_path_factory.mktemp("pretended"))
    project.pretend()
    return project


@pytest.fixture
def finished(_pretended, tmp_path) -> Project:
    """The same corpus after a complete run: every output is there, though empty, and recorded."""
    shutil.copytree(_pretended.folder, tmp_path / "finished")
    return Project(tmp_path / "finished")


def _with_videos(folder) -> Project:
    (folder / "videos").mkdir()
    for name in VIDEOS:
        (folder / "videos" / name).write_text(name, encoding="utf-8")
    project = Project(folder)
    project.configure()
    return project
