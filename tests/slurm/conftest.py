import tempfile
from pathlib import Path

import pytest
from cluster import Cluster, missing
from place import Place, finished_run


def pytest_collection_modifyitems(items):
    """Every test here is slow; those of the cluster are skipped with a loud reason where there can be none."""
    reason = missing()
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(1200))
            if reason and "cluster" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def cluster():
    """A SLURM cluster of four CPU nodes and two GPU nodes, for all tests of the session."""
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:  # pytest's own folders are closed to munge
        cluster = Cluster(Path(folder))
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture(scope="session")
def whole(request, tmp_path_factory) -> Place:
    """A folder in which everything was made: through the cluster, or by this machine alone where there can be none."""
    cluster = None if missing() else request.getfixturevalue("cluster")
    return finished_run(tmp_path_factory.mktemp("whole"), cluster)


@pytest.fixture(scope="session")
def undisturbed(cluster, whole) -> Place:
    """The folder in which `snakemake --profile slurm all` has made everything."""
    return whole


@pytest.fixture
def place(undisturbed, tmp_path) -> Place:
    """A copy of that folder, for a test to disturb."""
    place = undisturbed.copy(tmp_path / "place")
    yield place
    place.stop()
