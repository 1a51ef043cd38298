"""Which of VoxCeleb's identities its authors test with.

Source  crop_vox.py of github.com/AliaksandrSiarohin/video-preprocessing; where the authors' own `vox?_meta.csv` lies
        beside the annotations, its column Set is held against these lists
"""

import re
from pathlib import Path

from tavce.records import InputError

TEST_OF_VOXCELEB2 = """
id00017 id00061 id00081 id00154 id00419 id00562 id00812 id00817 id00866 id00926 id01000 id01041 id01066 id01106
id01224 id01228 id01298 id01333 id01437 id01460 id01509 id01541 id01567 id01593 id01618 id01822 id01892 id01989
id02019 id02057 id02086 id02181 id02286 id02317 id02445 id02465 id02542 id02548 id02576 id02577 id02685 id02725
id02745 id03030 id03041 id03127 id03178 id03347 id03382 id03524 id03677 id03789 id03839 id03862 id03969 id03978
id03980 id03981 id04006 id04030 id04094 id04119 id04232 id04253 id04276 id04295 id04366 id04478 id04536 id04570
id04627 id04656 id04657 id04862 id04950 id05015 id05055 id05124 id05176 id05202 id05459 id05594 id05654 id05714
id05816 id05850 id05999 id06104 id06209 id06310 id06484 id06692 id06811 id06816 id06913 id07312 id07354 id07396
id07414 id07426 id07494 id07620 id07621 id07663 id07802 id07868 id07874 id07961 id08149 id08374 id08392 id08456
id08548 id08552 id08696 id08701 id08911 id09017
"""
TEST_IDENTITIES = {
    "voxceleb1": frozenset(f"id{number}" for number in range(10270, 10310)),
    "voxceleb2": frozenset(re.findall(r"id\d{5}", TEST_OF_VOXCELEB2)),
}
META_NAMES = {"voxceleb1": "vox1_meta.csv", "voxceleb2": "vox2_meta.csv"}
IDENTITY = re.compile(r"id\d{5}")


def check_meta(reader: str, source: Path) -> None:
    """Hold the authors' table of identities, where it lies beside the source, against the list here.

    Its columns are separated by tabs or commas; the first is the identity, one named Set, or split, says dev or test.

    Raises:
        InputError: the table cannot be read, or calls another identity test.
    """
    for folder in (source if source.is_dir() else source.parent, source.parent):
        table = folder / META_NAMES[reader]
        if table.is_file():
            _check(reader, table)
            return


def _check(reader: str, table: Path) -> None:
    try:
        lines = table.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{table} is not UTF-8: fetch it again, or move it away ({error})") from error
    separator = "\t" if lines and "\t" in lines[0] else ","
    cells = [[cell.strip() for cell in line.split(separator)] for line in lines if line.strip()]
    columns = [name.lower() for name in cells[0]] if cells else []
    column = next((at for at, name in enumerate(columns) if name in ("set", "split")), None)
    if column is None:
        raise InputError(f"{table}: no column is named Set: fetch it again, or move it away")
    said = {line[0]: line[column] for line in cells[1:] if len(line) > column and IDENTITY.fullmatch(line[0])}
    wrong = [f"{one} {place}" for one, place in said.items() if (place == "test") != (one in TEST_IDENTITIES[reader])]
    if wrong:
        raise InputError(
            f"{table} divides {reader} otherwise than published: {', '.join(wrong[:5])}: fetch it again, move it away, "
            "or give split.test a list"
        )
