"""Facts about names of members: which stay below their folder."""

import pytest

from tavce.archives.names import UnsafeNameError, relative


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mp4/id00012/_raOc3-IRsw/00110.mp4", "mp4/id00012/_raOc3-IRsw/00110.mp4"),
        ("./txt/./id1//-a.txt", "txt/id1/-a.txt"),
        ("mp4/", "mp4"),
        ("..a/b../...", "..a/b../..."),
        (".hidden", ".hidden"),
        ("Łódź.txt", "Łódź.txt"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_name_below_its_folder_loses_only_its_detours(name, path):
    assert relative(name) == path


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("../a", "leads out of its folder"),
        ("a/../../b", "leads out of its folder"),
        ("a/..", "leads out of its folder"),
        ("/etc/passwd", "is absolute"),
        ("//host/share", "is absolute"),
        ("C:a.txt", "begins with a drive letter"),
        ("c:/a.txt", "begins with a drive letter"),
        ("a\\..\\b", "has a backslash"),
        ("a\nb", "has a control character"),
        ("a\0.txt", "has a control character"),
        ("", "is empty"),
        ("./.", "is empty"),
        ("a/" + "ł" * 128, "is longer than 255 bytes"),
        ("a\udcff", "is not UTF-8"),
    ],
)
def test_a_name_that_may_lead_elsewhere_is_refused(name, what):
    with pytest.raises(UnsafeNameError, match=what):
        relative(name)
