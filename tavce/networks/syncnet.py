"""The two streams of SyncNet: what is seen of a mouth, and what is heard, as points of one space.

Contract: pictures and sound that belong together lie near to each other. Entries of the state dict are named as
published (syncnet_v2.model), so the published file loads strictly; loading it is the caller's business. Nothing here
is trained: the networks stay in evaluation.
Source: J. S. Chung & A. Zisserman, Out of time: automated lip sync in the wild (2016), in the layers that
joonson/syncnet_python publishes.

Shapes: B batch, T frames, W = T − 4 windows of five frames.
"""

from jaxtyping import Float
from torch import Tensor, nn

WINDOW_FRAMES = 5
SIDE_PX = 224
CEPSTRA, WINDOW_STEPS = 13, 20
FEATURES = 512
EMBEDDING = 1024


class SyncNetStreams(nn.Module):
    """One network for lips, one for sound; neither knows of the other."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_heard(1, 64),
            nn.Identity(),  # published as a 1 × 1 pooling: it changes nothing, and holds its place in the names
            *_heard(64, 192),
            nn.MaxPool2d(3, stride=(1, 2)),
            *_heard(192, 384),
            *_heard(384, 256),
            *_heard(256, 256),
            nn.MaxPool2d(3, stride=2),
            *_heard(256, FEATURES, kernel=(5, 4), padding=0),
        )
        self.netcnnlip = nn.Sequential(
            *_seen(3, 96, kernel=(WINDOW_FRAMES, 7, 7), stride=2, padding=0),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_seen(96, 256, kernel=(1, 5, 5), stride=2, padding=1),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
            *_seen(256, 256, kernel=(1, 3, 3), stride=1, padding=1),
            *_seen(256, 256, kernel=(1, 3, 3), stride=1, padding=1),
            *_seen(256, 256, kernel=(1, 3, 3), stride=1, padding=1),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
            *_seen(256, FEATURES, kernel=(1, 6, 6), stride=1, padding=0),
        )
        self.netfcaud, self.netfclip = _embedding(), _embedding()
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "SyncNetStreams":
        """Stay in evaluation, whatever is asked: running statistics belong to the published weights."""
        return super().train(False)

    def lips(self, frames: Float[Tensor, "B 3 T 224 224"]) -> Float[Tensor, "B W 1024"]:
        """Return the embedding of every five frames in a row.

        Only the first layer looks along time, so a run of frames costs what its windows cost one by one.

        Args:
            frames: face crops, channels blue, green, red, 0 to 255.
        """
        features = self.netcnnlip(frames).squeeze(-1).squeeze(-1).transpose(1, 2)
        return self.netfclip(features.flatten(0, 1)).unflatten(0, features.shape[:2])

    def sound(self, cepstra: Float[Tensor, "B 1 13 20"]) -> Float[Tensor, "B 1024"]:
        """Return the embedding of the MFCCs of 0.2 s."""
        return self.netfcaud(self.netcnnaud(cepstra).flatten(1))


def _heard(
    in_channels: int, channels: int, kernel: tuple[int, int] = (3, 3), padding: int = 1
) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(in_channels, channels, kernel, padding=padding)
    return convolution, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)


def _seen(
    in_channels: int, channels: int, kernel: tuple[int, int, int], stride: int, padding: int
) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv3d(in_channels, channels, kernel, (1, stride, stride), (0, padding, padding))
    return convolution, nn.BatchNorm3d(channels), nn.ReLU(inplace=True)


def _embedding() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(FEATURES, FEATURES), nn.BatchNorm1d(FEATURES), nn.ReLU(inplace=True), nn.Linear(FEATURES, EMBEDDING)
    )
