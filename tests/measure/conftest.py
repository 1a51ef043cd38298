from pathlib import Path

import pytest
from talking_portrait import Corpus, make_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Corpus:
    """A dataset in miniature, scored by nobody yet."""
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def mlflow_folder(tmp_path_factory) -> Path:
    """Where the runs of these tests go; one store for all, as making it takes seconds."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module", autouse=True)
def _mlflow_of_its_own(mlflow_folder):
    """Runs go to a store in a temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(mlflow_folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{mlflow_folder}/mlflow.db")
        yield
