import shutil
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    """Give every test the same random numbers each time it runs."""
    torch.manual_seed(2024)


@pytest.fixture
def place(tmp_path, monkeypatch, mlflow_template) -> Path:
    """A folder with an empty MLflow database, for one invocation."""
    shutil.copyfile(mlflow_template, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("TAVCE_INVOCATION", "monday")
    return tmp_path
