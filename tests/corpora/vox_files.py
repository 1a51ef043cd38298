"""VoxCeleb's annotation files in the form in which they are published, to the byte."""

from collections.abc import Sequence

VOX1 = ("154 105 91 91", "154 105 91 91", "164 105 91 90")
VOX2 = ("0.319 0.067 0.424 0.753", "0.319 0.067 0.424 0.753", "0.330 -0.010 0.424 0.753")
NAME = "id10270/5r0dWxy17C8/00001.txt"


def annotation(name: str = NAME, boxes: Sequence[str] = VOX1, first_frame: int = 594, offset: str = "-2") -> bytes:
    """Return the bytes of the file of a name; those of VoxCeleb2 have a second number after the confidence."""
    identity, video_id, _ = name.split("/")
    second = "\t(1)" if "." in boxes[0] else ""
    lines = [
        f"Identity  : \t{identity}",
        f"Reference : \t{video_id}",
        f"Offset    : \t{offset}",
        f"FV Conf   : \t20.230{second}",
        "ASD Conf  : \t2.765",
        "",
        "FRAME \tX \tY \tW \tH ",
        *(f"{frame:06d} \t{box.replace(' ', f' {chr(9)}')} " for frame, box in enumerate(boxes, first_frame)),
    ]
    return ("\n".join(lines) + "\n").encode()
