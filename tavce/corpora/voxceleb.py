"""VoxCeleb1 and VoxCeleb2: a row for every annotation file, read where it lies, in zips or in folders.

Clip    `id10270-5r0dWxy17C8-00001`: identity, video and utterance, each of a fixed length; the same file found again is
        `…+2`, a row with its reason; one whose name says nothing is `unnamed-` and a digest of its name
Split   identities are speakers; `official` tests with those that the authors test with; the rest is divided by `val`
"""

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from tavce.config.corpora import VoxCelebCorpus
from tavce.corpora.annotation_files import AnnotationFile, AnnotationFiles
from tavce.corpora.official import TEST_IDENTITIES, check_meta
from tavce.corpora.pool import in_order
from tavce.corpora.source import Source
from tavce.corpora.splits import OFFICIAL, Division
from tavce.corpora.utterance import NAME, Utterance, read_utterances
from tavce.corpora.videos import watch_url
from tavce.progress import progress
from tavce.records import InputError, Reason, Row

RATE_HZ = 25  # of the annotated frames
LICENCE = "CC BY 4.0 (annotations; the videos are their owners')"
OTHER = {"voxceleb1": 2, "voxceleb2": 1}
CHUNK = 256  # files
FEW = 4000  # files that are read before other processes would have started


def rows(source: Source[VoxCelebCorpus]) -> Iterator[Row]:
    """Yield the rows of all annotation files by name, unusable ones with their reason.

    Raises:
        InputError: the source is not there, holds no annotations or a broken zip, `rate_hz` is not the annotations', a
            list cannot be used, or the authors' table of identities says otherwise.
    """
    corpus, dataset = source.corpus, source.dataset
    if source.rate_hz != RATE_HZ:
        raise InputError(
            f"corpora.{dataset}: {corpus.reader} has a box for every frame at {RATE_HZ} a second: set trim.rate_hz to "
            f"{RATE_HZ}, not {source.rate_hz}"
        )
    path = Path(corpus.source).expanduser()
    if corpus.split.test == OFFICIAL:
        check_meta(corpus.reader, path)
    division = Division(dataset, corpus.split, authors="VoxCeleb")
    files = _find(source, path)
    for file, said in _read(source, files):
        yield _row(source, division, file, said)
    division.finish()


def _find(source: Source[VoxCelebCorpus], path: Path) -> AnnotationFiles:
    files = AnnotationFiles()
    published = f"vox{source.corpus.reader[-1]}_dev_txt.zip"
    if path.is_dir():
        other = OTHER[source.corpus.reader]
        files.add_folder(path, passed_by=re.compile(rf"vox(celeb)?[_-]?{other}|^(?!.*txt)", re.IGNORECASE))
    elif path.is_file():
        files.add_zip(path)
    else:
        raise InputError(
            f"corpora.{source.dataset}.source '{path}' is not there: give {published}, or a directory with it or with "
            "txt/"
        )
    if not files:
        raise InputError(
            f"corpora.{source.dataset}.source '{path}' holds no idNNNNN/<YouTube id>/NNNNN.txt: give {published}, "
            "or a directory with it or with txt/"
        )
    return files


def _read(source: Source[VoxCelebCorpus], files: AnnotationFiles) -> Iterator[tuple[AnnotationFile, Utterance]]:
    """Yield every file with what it says."""
    work = partial(read_utterances, source.corpus.reader)
    every = iter(files)
    chunks = iter(lambda: [*islice(every, CHUNK)], [])
    done = in_order(work, chunks) if len(files) > FEW else ((chunk, work(chunk)) for chunk in chunks)
    pairs = (pair for chunk, said in done for pair in zip(chunk, said, strict=True))
    return progress(pairs, f"annotations of {source.dataset}", len(files))


def _row(source: Source[VoxCelebCorpus], division: Division, file: AnnotationFile, said: Utterance) -> Row:
    if named := NAME.fullmatch(file.name):
        identity, video_id, _ = named.groups()
        clip_id, url = "-".join(named.groups()), watch_url(video_id)
    else:
        identity = file.shown.split("/")[0]
        clip_id = video_id = f"unnamed-{hashlib.sha256(file.shown.encode()).hexdigest()[:12]}"
        url = file.where
    names = (clip_id, clip_id[: -len("-00001")], identity, video_id)
    reason, detail = (Reason.BAD_ANNOTATION, said.trouble) if said.trouble else (None, "")
    if file.copy > 1:
        clip_id = f"{clip_id}+{file.copy}"
        reason, detail = Reason.DUPLICATE_ROW, f"{file.where}: the utterance was read from {file.first}, too"
    return Row(
        clip_id=clip_id,
        dataset=source.dataset,
        split=division.split_of(identity, names, test=identity in TEST_IDENTITIES[source.corpus.reader]),
        speaker=identity,
        video_id=video_id,
        source=url,
        start_frame=said.start_frame,
        end_frame=said.end_frame,
        audio_offset_frames=said.audio_offset_frames,
        boxes=said.boxes,
        licence=LICENCE,
        reason=reason,
        detail=detail,
    )
