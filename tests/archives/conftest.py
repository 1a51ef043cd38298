import pytest
from shelf import Shelf


@pytest.fixture
def shelf(tmp_path, caplog) -> Shelf:
    """An empty shelf; what the command logs is kept."""
    caplog.set_level("INFO")
    return Shelf(tmp_path / "shelf")
