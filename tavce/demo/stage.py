"""Render the videos of one shard of the demo corpus.

Reads   the shard's sheet; its clips are those of the plan
Writes  {videos}/{clip_id}.mp4 and .npz (exact labels), and a listing of their digests
"""

import argparse
from pathlib import Path

import cv2

from tavce.config import parse_sections
from tavce.demo.movement import Lips
from tavce.demo.plan import ClipsPerSpeaker, plan
from tavce.demo.render import render_clip
from tavce.files import input_file, sha256, write_json
from tavce.progress import progress
from tavce.records import read_rows


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stage's arguments."""
    parser.add_argument("--name", help="the corpus' name, where --settings is a file")
    parser.add_argument("--rows", type=input_file, required=True, help="the shard's sheet")
    parser.add_argument("--videos", required=True, help="folder of the rendered videos")
    parser.add_argument("--listing", required=True, help="where the digests go, .json")


def run(arguments: argparse.Namespace) -> None:
    """Render one shard."""
    cv2.setNumThreads(1)
    corpus = parse_sections(arguments.settings)["corpus"]
    counts = ClipsPerSpeaker(corpus.clips_train, corpus.clips_val, corpus.clips_test)
    planned = {clip.clip_id: clip for clip in plan(corpus.speakers, counts, corpus.seed)}
    folder = Path(arguments.videos)
    lips = Lips(corpus.lip_smoothing_frames, corpus.lip_own_share)
    wanted = [planned[row.clip_id] for row in read_rows(arguments.rows)]
    paths = [render_clip(clip, folder, lips) for clip in progress(wanted, "render")]
    write_json(arguments.listing, {path.name: sha256(path) for path in paths})
