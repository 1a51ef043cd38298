import pytest

from tavce.config import paper, parse_sections
from tavce.plan.costs import Costs
from tavce.plan.learning import networks


@pytest.fixture
def settings() -> dict[str, object]:
    """The typed sections of the paper's settings that a plan is made from."""
    return parse_sections(paper().sections("plan"))


@pytest.fixture
def costs(settings) -> Costs:
    """Round costs: a second of video takes 1 s in every stage and leaves 1000 bytes, a job takes 10 s to start."""
    stage = {"job_s": 10, "clip_s": 0, "second_s": 1, "second_bytes": 1000}
    size = {"videos": 10, "clips": 100, "test_clips": 20, "hours": 1, "width_px": 1000, "height_px": 1000}
    stages = ("download", "trim", "detect", "crop", "quality", "mel", "motion", "basis")
    stages += ("index", "funnel", "listen", "synthesise", "score")
    training = {"what": "a network", "flops": 1e12, "frame_flops": 1e11, "loader_s": 0.01, "bytes": 5}
    return Costs.model_validate(
        {
            "machine": "a machine of round numbers",
            "datasets": {"a": size, "b": {**size, "fetched_hours": 10}},
            "stages": {name: stage for name in stages},
            "trainings": {network.shape: training for network in networks(settings)},
            "tflops": 2,
            "fetched_mbit_s": 8,
            "network_mbit_s": 80,
        }
    )
