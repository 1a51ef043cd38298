import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    """Give every test the same random numbers each time it runs."""
    torch.manual_seed(2024)
