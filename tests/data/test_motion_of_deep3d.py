"""The stages basis and motion with the backend deep3d, by their real commands, with seeded numbers for weights."""

import cv2
import numpy as np
import pytest
from made_up_faces import SIDE_PX, moving_face
from packed import pack
from pipeline import Pipeline, row, settings
from seeded_deep3d import place, seeded

from tavce import store
from tavce.cli import main
from tavce.faces.basis import ExpressionBasis
from tavce.files import sha256
from tavce.records import ClipRecord, write_lines

FRAMES = {"train": 66, "test": 6}


def drawn(landmarks: np.ndarray) -> bytes:
    """Return a JPEG of one face's landmarks."""
    picture = np.full((SIDE_PX, SIDE_PX, 3), 90, np.uint8)
    for x, y in landmarks:
        cv2.circle(picture, (round(float(x)), round(float(y))), 5, (int(x) % 256, int(y) % 256, 200), -1)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def write_crops(pipeline: Pipeline, *splits: str) -> None:
    """Write the sheet, the records of `quality` and the crops: one clip a split, named as it."""
    pipeline.write_rows(*(row(split, f"{split}.mp4", split=split) for split in splits))
    with store.create(pipeline.h5("crop"), store.Origin("crop", 1, "")) as writer:
        for split in splits:
            landmarks = moving_face(FRAMES[split], len(split))
            arrays = {**pack([*map(drawn, landmarks)]), "landmarks": landmarks}
            writer.put(split, arrays, size_px=SIDE_PX)
    records = [
        ClipRecord(clip_id=split, dataset="mine", split=split, speaker=split, stage="quality", version=1)
        for split in splits
    ]
    write_lines(pipeline.records_path("quality"), records)


def fit(pipeline: Pipeline) -> int:
    inputs = ["--crops", str(pipeline.h5("crop")), "--records", str(pipeline.records_path("quality"))]
    out = str(pipeline.folder / "basis.npz")
    return main(["basis", "--settings", pipeline.settings.sections("basis"), *inputs, "--out", out])


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Pipeline:
    monkeypatch.chdir(tmp_path)
    pipeline = Pipeline(tmp_path, settings(motion={"backend": "deep3d", "batch": 16}))
    write_crops(pipeline, "train")
    return pipeline


@pytest.mark.slow
def test_deep3d_gives_seventy_finite_numbers_a_frame_and_a_map_to_landmarks(mine, capsys):
    digest = sha256(place(mine.folder, {"net_recon": seeded(0).state_dict()}))
    assert main(["fetch", "deep3d", "--listing", "listing.json"]) == 0
    assert fit(mine) == 0
    basis = ExpressionBasis.load("basis.npz")
    assert basis.backend == f"deep3d {digest} mean_face"
    assert basis.components.shape == (64, 136)
    assert basis.explained > 0.9  # 64 numbers of 66 frames fit anything

    write_crops(mine, "test")
    assert mine.run("motion", "--basis", "basis.npz") == 0
    with store.open_shard(mine.h5("motion")) as motions:
        clip = motions["test"]
        assert (clip["motion"].shape, clip["motion"].dtype) == ((6, 70), np.float32)
        assert np.isfinite(clip["motion"][:]).all()
        assert np.abs(np.diff(clip["motion"][:], axis=0)).max(axis=1).min() > 0.01
        assert clip["blink"].shape == (6,)
        assert clip.attrs["backend"] == basis.backend
        assert clip.attrs["basis_sha256"] == sha256("basis.npz")
    assert mine.records("motion")["test"].numbers.keys() == {"frames", "reconstruction_px", "explained"}

    place(mine.folder, {"net_recon": seeded(1).state_dict()})
    assert mine.run("motion", "--basis", "basis.npz") == 2
    assert f"basis.npz was fitted to coefficients of deep3d {digest} mean_face" in capsys.readouterr().err


def test_without_its_weights_deep3d_stops_and_says_what_to_place(mine, capsys):
    assert fit(mine) == 2
    words = (
        "deep3d weights are missing: place deep3d/epoch_20.pth from https://github.com/sicxu/Deep3DFaceRecon_pytorch"
    )
    assert f"tavce basis: {words}" in capsys.readouterr().err
    assert main(["fetch", "deep3d", "--listing", "listing.json"]) == 2
    assert words in capsys.readouterr().err
