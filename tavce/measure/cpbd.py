"""How sharp a frame is, without a reference: the cumulative probability of blur detection (CPBD).

Source  N. D. Narvekar and L. J. Karam, A no-reference image blur metric based on the cumulative probability of blur
        detection (2011); widths of edges as P. Marziliano et al., A no-reference perceptual blur metric (2002).
What the paper leaves open (gradient, threshold, thinning, direction) is as in the package `cpbd` 1.0.7, with which
others have measured. On 27 pictures, sharp, blurred, compressed and noisy, of 64 to 512 px, the two differed by at most
0.0006: the package counts the edges of a block by Canny, here they are Sobel's, whose widths are measured.
Shapes: H × W pixels, N edges, R × C blocks.
"""

import cv2
import numpy as np

from tavce.measure.measurements import MeasurementError

BLOCK = 64  # px; rows and columns that fill no block, at the bottom and at the right, are left out
EDGE_SHARE = 0.002  # of a block's pixels: a block with more edges is an edge block
LOW_CONTRAST, LOW_WIDTH, WIDTH = 50, 5, 3  # just noticeable width, px: 5 up to this contrast of a block, 3 above
REACH = 4  # px that an edge is followed beyond its neighbours: none that is sharp is longer
KERNEL_SUM = 8  # of Sobel's weights, without their signs
STEEPEST = np.tan(np.pi / 8)  # of the gradient, where the nearest of eight directions is along the row


def cpbd(frame: np.ndarray) -> float:
    """Return the share of edges at which blur is not noticed: 0 to 1, higher is sharper.

    An edge of width w looks blurred with the probability 1 − exp(−(w / w')^3.6), where w' is the just noticeable
    width of its block, and is sharp where that is at most 1 − 1/e. That is w ≤ w', so no probability is computed.

    Args:
        frame: uint8 [H, W, 3] RGB, of which the luma (ITU-R BT.601) is looked at.

    Raises:
        ValueError: the frame is not uint8 [H, W, 3].
        MeasurementError: it is smaller than a block, or has no edge block with an edge along a row.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"a frame of shape {frame.shape} and type {frame.dtype}: it must be uint8 [H, W, 3]")
    height, width = frame.shape[:2]
    if min(height, width) < BLOCK:
        raise MeasurementError(f"frames of {width} × {height} px are smaller than the {BLOCK} px block of CPBD")
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    rows, columns = _edges(grey)
    inside = (rows < height - height % BLOCK) & (columns < width - width % BLOCK)
    rows, columns = rows[inside], columns[inside]
    noticeable = _noticeable_widths(grey)
    block = rows // BLOCK * noticeable.shape[1] + columns // BLOCK
    edge_block = np.bincount(block, minlength=noticeable.size) > EDGE_SHARE * BLOCK**2
    way = _ways(grey, rows, columns)
    counted = (way != 0) & edge_block[block]
    if not counted.any():
        raise MeasurementError("a frame has no edges that CPBD could measure")
    widths = _widths(grey, rows[counted], columns[counted], way[counted])
    return float(np.mean(widths <= noticeable.ravel()[block[counted]]))


def _edges(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns [N] of the edges: above the threshold, and the largest of their row's or column's three.

    The squared gradient is above twice the square root of its mean over the frame. Pixels at the border have none.
    """
    gradient = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0, borderType=cv2.BORDER_REFLECT))
    mean = cv2.norm(gradient, cv2.NORM_L2SQR) / gradient.size / KERNEL_SUM**2
    centre = gradient[1:-1, 1:-1]
    edges = (centre > gradient[1:-1, :-2]) & (centre > gradient[1:-1, 2:])
    edges |= (centre > gradient[:-2, 1:-1]) & (centre > gradient[2:, 1:-1])
    edges &= centre > np.int16(KERNEL_SUM * np.sqrt(2 * np.sqrt(mean)))  # of whole numbers: rounded down is the same
    rows, columns = np.divmod(np.flatnonzero(edges), edges.shape[1])
    return rows + 1, columns + 1


def _noticeable_widths(grey: np.ndarray) -> np.ndarray:
    """Return the just noticeable width [R, C] of every block, px, by its contrast: its brightest less its darkest."""
    rows, columns = (side // BLOCK for side in grey.shape)
    whole = grey[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns * BLOCK)
    brightest, darkest = (
        pick.reduce(pick.reduce(whole, axis=1).reshape(rows, columns, BLOCK), axis=2)
        for pick in (np.maximum, np.minimum)
    )
    return np.where(brightest - darkest <= LOW_CONTRAST, LOW_WIDTH, WIDTH)


def _ways(grey: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return for every edge [N] whether the row gets brighter (1) or darker (−1), 0 where it runs along the row.

    An edge between equal neighbours counts as one that gets brighter.
    """
    down = grey[rows + 1, columns].astype(np.int16) - grey[rows - 1, columns]
    right = grey[rows, columns + 1].astype(np.int16) - grey[rows, columns - 1]
    across = (np.abs(down) <= STEEPEST * np.abs(right)) | (right == 0)
    return np.where(across, np.where(right < 0, -1, 1), 0).astype(np.int16)


def _widths(grey: np.ndarray, rows: np.ndarray, columns: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return the widths [N] of edges, px: from the left neighbour to the right one and on, while the row keeps its way.

    Longer than `REACH` on a side is not followed.
    """
    padded = cv2.copyMakeBorder(grey, 0, 0, REACH + 1, REACH + 1, cv2.BORDER_REPLICATE).astype(np.int16)
    steps = padded[:, 1:] - padded[:, :-1]  # 0 beyond the border, where every edge ends
    centre = rows * steps.shape[1] + columns + REACH + 1  # of the step to the right of the edge
    widths = np.full(len(rows), 2)
    for first, onward in ((-2, -1), (1, 1)):
        follows = np.ones(len(rows), bool)
        for count in range(REACH):
            follows &= steps.ravel().take(centre + first + onward * count) * way > 0
            widths += follows
    return widths
