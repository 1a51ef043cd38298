"""Facts about the listing that tells whether another method's videos changed."""

import os

from tavce.methods.folder import listing


def test_a_listing_changes_with_names_sizes_and_times_and_with_nothing_else(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    os.utime(path, ns=(1, 1))
    seen = [listing(tmp_path, "mine")]
    (tmp_path / "notes.txt").write_text("mine")
    assert listing(tmp_path, "mine") == seen[0]
    os.utime(path, ns=(2, 2))
    seen.append(listing(tmp_path, "mine"))
    path.write_bytes(b"longer")
    os.utime(path, ns=(2, 2))
    seen.append(listing(tmp_path, "mine"))
    path.rename(tmp_path / "b.MP4")
    seen.append(listing(tmp_path, "mine"))
    assert len({*seen}) == 4
    assert {words.rpartition(" ")[0] for words in seen} == {"1 videos"}


def test_a_datasets_own_folder_goes_first_and_a_missing_one_is_empty(tmp_path):
    (tmp_path / "a.mp4").touch()
    alone = listing(tmp_path, "mine")
    (tmp_path / "mine").mkdir()
    assert listing(tmp_path, "mine").startswith("0 videos ")
    assert listing(tmp_path, "theirs") == alone
    assert listing(tmp_path / "nowhere", "mine").startswith("0 videos ")
