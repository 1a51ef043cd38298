"""Settings of the corpora: where each one's own files lie, how it is divided, and where its stages differ."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tavce.config.data import Section

Share = Annotated[float, Field(ge=0, le=1)]


class SpeakerSplit(Section):
    """How speakers, never clips, are divided where the source names no split."""

    val: Share = Field(description="share of the speakers kept for validation")
    test: Share = Field(description="share of the speakers kept for the tables")
    seed: int = Field(description="orders the speakers")


class CorpusSplit(Section):
    """How a published corpus is divided: as its authors did, as a published list does, or by a seed."""

    val: Share | str = Field(description="share of the remaining speakers, or a file that lists clips or speakers")
    test: Share | str = Field(description="`official`, a share of the speakers, or a file that lists clips or speakers")
    seed: int = Field(description="orders the speakers")


class Corpus(Section):
    """What every corpus has. The sections named here are laid over the run's own, for this corpus alone."""

    PEOPLE: ClassVar[str | None] = None  # corpora with the same word name their speakers alike; None = by itself
    SPEAKERS_KNOWN: ClassVar[bool] = True
    FIXED: ClassVar[bool] = False  # it is published and done: read again only where its own files changed

    shards: int = Field(gt=0, le=100_000, description="files a stage writes; a video stays in its shard")
    train: bool = Field(True, description="its training split is trained on")
    evaluate: bool = Field(True, description="its test split is in the tables")
    download: dict[str, Any] = Field({}, description="what differs from `download`")
    trim: dict[str, Any] = Field({}, description="what differs from `trim`")
    detect: dict[str, Any] = Field({}, description="what differs from `detect`")
    crop: dict[str, Any] = Field({}, description="what differs from `crop`")
    quality: dict[str, Any] = Field({}, description="what differs from `quality`")
    duplicates: dict[str, Any] = Field({}, description="what differs from `duplicates`")


OWN_SECTIONS = ("download", "trim", "detect", "crop", "quality", "duplicates")


class FolderCorpus(Corpus):
    """A user's own videos."""

    reader: Literal["folder"]
    source: str = Field(min_length=1, description="a directory of videos, or a .tsv (README: your own videos)")
    speakers: Literal["file", "folder"] = Field(
        "folder", description="in a directory: a speaker is a first-level folder, or every file is its own"
    )
    split: SpeakerSplit
    licence: str = Field("unknown", description="goes into every row")


class DemoCorpus(Corpus):
    """Talking heads rendered from a public-domain portrait, with exact labels."""

    reader: Literal["demo"]
    speakers: int = Field(ge=4, le=8, description="one validates, two are held out")
    clips_train: int = Field(gt=0, description="clips of each training speaker")
    clips_val: int = Field(gt=0, description="clips of each validation speaker")
    clips_test: int = Field(gt=0, description="clips of each held-out speaker")
    seed: int = Field(description="draws sentences and movements")
    lip_smoothing_frames: float = Field(1.6, ge=0, description="how slowly lips follow the sound; 0: they jump with it")
    lip_own_share: float = Field(0.35, ge=0, description="lip movement the sound does not explain, of what it does")


class VoxCelebCorpus(Corpus):
    """VoxCeleb1 or VoxCeleb2, from the annotation files its authors publish."""

    PEOPLE = "voxceleb"
    FIXED = True

    reader: Literal["voxceleb1", "voxceleb2"]
    source: str = Field(min_length=1, description="a published vox?_*_txt.zip, or a directory with some, or with txt/")
    split: CorpusSplit


class VoxMetadataCorpus(Corpus):
    """VoxCeleb clips chosen by a `vox-metadata.csv` of first-order-model's video-preprocessing."""

    PEOPLE = "voxceleb"
    FIXED = True

    reader: Literal["vox_metadata"]
    source: str = Field(min_length=1, description="the .csv")
    split: CorpusSplit


class HdtfCorpus(Corpus):
    """HDTF, from the fifteen text files its authors publish."""

    PEOPLE = "hdtf"
    FIXED = True

    reader: Literal["hdtf"]
    source: str = Field(min_length=1, description="the directory of the fifteen .txt files")
    split: CorpusSplit


class LrwCorpus(Corpus):
    """LRW as the user holds it; it is never downloaded. Its own split is kept: its speakers are not annotated."""

    SPEAKERS_KNOWN = False
    FIXED = True

    reader: Literal["lrw"]
    source: str = Field(min_length=1, description="the directory lipread_mp4, with a folder a word")


AnyCorpus = Annotated[
    FolderCorpus | DemoCorpus | VoxCelebCorpus | VoxMetadataCorpus | HdtfCorpus | LrwCorpus,
    Field(discriminator="reader"),
]
