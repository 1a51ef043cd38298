"""A mean face in three dimensions, and the head pose that it gives to landmarks.

The camera is weak-perspective: `landmarks = scale · (rotation · point)[:2] + translation`.
Axes: x right, y down, z away from the camera (right-handed). Rotation = roll about z · yaw about y · pitch
about x, in radians: positive pitch looks down, positive yaw turns the nose to the picture's left, positive
roll tilts the head clockwise on screen.
Shapes: T frames; landmarks are [T, 68, 2] px; NaN in, NaN out.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

RIGID = (20, 21, 22, 23, *range(27, 36), 36, 39, 42, 45)  # brows' inner ends, nose, eye corners: speech leaves them
GAUSS_NEWTON_STEPS = 6  # from the linear fit
EULER = "ZYX"  # intrinsic: roll, yaw, pitch

# 68 rows of x, y, z. Outer eye corners are 1 apart, the mean of the RIGID points is 0, the face is symmetric;
# pitch is zero as in the portrait, which looks into the camera. Made from FaceMesh's vertices on the public-domain
# portrait of E. Collins (`skimage.data.astronaut`): mean of 32 jittered crops, turned half-way towards its mirror
# image and averaged with it.
_TABLE = """
    -0.7420 -0.2346  0.6534   -0.7447  0.0626  0.8439   -0.7366  0.2107  0.8635   -0.6718  0.5344  0.8033
    -0.6030  0.6684  0.7050   -0.5210  0.7670  0.5991   -0.3314  0.9249  0.4362   -0.1358  1.0257  0.2974
     0.0000  1.0397  0.2778    0.1358  1.0257  0.2974    0.3314  0.9249  0.4362    0.5210  0.7670  0.5991
     0.6030  0.6684  0.7050    0.6718  0.5344  0.8033    0.7366  0.2107  0.8635    0.7447  0.0626  0.8439
     0.7420 -0.2346  0.6534   -0.6656 -0.3121  0.3578   -0.5562 -0.3384  0.1337   -0.4522 -0.3713  0.0585
    -0.3171 -0.3681 -0.0073   -0.1617 -0.3525 -0.0381    0.1617 -0.3525 -0.0381    0.3171 -0.3681 -0.0073
     0.4522 -0.3713  0.0585    0.5562 -0.3384  0.1337    0.6656 -0.3121  0.3578    0.0000 -0.1688 -0.0199
     0.0000 -0.0051 -0.1161    0.0000  0.1438 -0.2334    0.0000  0.2389 -0.2536   -0.1696  0.3093 -0.0071
    -0.0999  0.3548 -0.0241    0.0000  0.3620 -0.0428    0.0999  0.3548 -0.0241    0.1696  0.3093 -0.0071
    -0.5000 -0.1241  0.2339   -0.4233 -0.1578  0.1565   -0.3072 -0.1625  0.1366   -0.1909 -0.1048  0.1756
    -0.2861 -0.0911  0.1546   -0.4011 -0.0945  0.1733    0.1909 -0.1048  0.1756    0.3072 -0.1625  0.1366
     0.4233 -0.1578  0.1565    0.5000 -0.1241  0.2339    0.4011 -0.0945  0.1733    0.2861 -0.0911  0.1546
    -0.3873  0.4952  0.2823   -0.2265  0.4684  0.0526   -0.1119  0.4668  0.0018    0.0000  0.4811 -0.0047
     0.1119  0.4668  0.0018    0.2265  0.4684  0.0526    0.3873  0.4952  0.2823    0.2067  0.6813  0.1395
     0.1113  0.7202  0.0882    0.0000  0.7317  0.0764   -0.1113  0.7202  0.0882   -0.2067  0.6813  0.1395
    -0.3385  0.5048  0.2649   -0.0971  0.5183  0.0695    0.0000  0.5248  0.0566    0.0971  0.5183  0.0695
     0.3385  0.5048  0.2649    0.0960  0.6320  0.1086    0.0000  0.6400  0.0949   -0.0960  0.6320  0.1086
"""
MEAN_FACE = np.array(_TABLE.split(), float).reshape(68, 3)


@dataclass(frozen=True)
class HeadPose:
    """Weak-perspective pose of a head in T frames."""

    rotation: np.ndarray  # float32 [T, 3] pitch, yaw, roll, radians
    translation_px: np.ndarray  # float32 [T, 2] where the mean of the rigid points lies
    scale_px: np.ndarray  # float32 [T] outer-eye distance of the head seen from the front


def head_pose(landmarks: np.ndarray) -> HeadPose:
    """Return the pose that brings MEAN_FACE's rigid points closest to the landmarks, frame by frame.

    Least squares over rotation, scale and translation: Gauss-Newton from the linear solution (POS of
    D. DeMenthon and L. Davis, 1995). A frame with a NaN in a rigid point is NaN throughout.
    """
    seen = np.asarray(landmarks, float)[:, RIGID]
    good = np.isfinite(seen).all(axis=(1, 2))
    pose = HeadPose(*(np.full((len(seen), *shape), np.nan, np.float32) for shape in ((3,), (2,), ())))
    if good.any():
        centre = seen[good].mean(axis=1)
        rotation, scale = _refine(seen[good] - centre[:, None], *_linear_fit(seen[good] - centre[:, None]))
        pose.rotation[good] = rotation.as_euler(EULER)[:, ::-1]
        pose.translation_px[good] = centre
        pose.scale_px[good] = scale
    return pose


def frontalise(landmarks: np.ndarray, pose: HeadPose) -> np.ndarray:
    """Return pose-free landmarks float32 [T, 68, 2]: seen from the front, outer-eye distance about 1.

    Each point is given MEAN_FACE's depth. Inverse of `pose_landmarks`; not defined at a yaw or pitch of 90°.
    """
    plane, depth_shift = _projection(pose)
    flat = (np.asarray(landmarks, float) - pose.translation_px[:, None]) / pose.scale_px[:, None, None]
    return np.einsum("tij,tpj->tpi", np.linalg.inv(plane), flat - depth_shift).astype(np.float32)


def pose_landmarks(frontal: np.ndarray, pose: HeadPose) -> np.ndarray:
    """Return the landmarks [T, 68, 2] px, float32, of pose-free landmarks in a pose."""
    plane, depth_shift = _projection(pose)
    turned = np.einsum("tij,tpj->tpi", plane, np.asarray(frontal, float)) + depth_shift
    return (pose.scale_px[:, None, None] * turned + pose.translation_px[:, None]).astype(np.float32)


def _projection(pose: HeadPose) -> tuple[np.ndarray, np.ndarray]:
    """Return what a rotation does to x, y [T, 2, 2], and the shift by each point's depth [T, 68, 2].

    Where the pose is NaN, the first is the identity and the second NaN, so that the inverse exists.
    """
    good = np.isfinite(pose.rotation).all(axis=1)
    matrix = Rotation.from_euler(EULER, np.where(good[:, None], pose.rotation, 0)[:, ::-1]).as_matrix()
    depth_shift = matrix[:, None, :2, 2] * MEAN_FACE[:, 2, None]
    return matrix[:, :2, :2], np.where(good[:, None, None], depth_shift, np.nan)


def _linear_fit(seen: np.ndarray) -> tuple[Rotation, np.ndarray]:
    """Return rotations and scales [T] of centred points [T, K, 2]: the nearest to the best affine camera."""
    camera = np.einsum("kp,tpi->tik", np.linalg.pinv(MEAN_FACE[list(RIGID)]), seen)
    left, sizes, right = np.linalg.svd(camera, full_matrices=False)
    rows = left @ right
    return Rotation.from_matrix(np.concatenate([rows, np.cross(rows[:, :1], rows[:, 1:])], axis=1)), sizes.mean(axis=1)


def _refine(seen: np.ndarray, rotation: Rotation, scale: np.ndarray) -> tuple[Rotation, np.ndarray]:
    """Return the least-squares rotations and scales of centred points [T, K, 2], from a first guess."""
    face = MEAN_FACE[list(RIGID)]
    for _ in range(GAUSS_NEWTON_STEPS):
        x, y, z = np.moveaxis(np.einsum("tij,pj->tpi", rotation.as_matrix(), face), -1, 0)
        nought = np.zeros_like(x)
        by_x = np.stack([nought, z, -y, x], axis=-1)  # by a turn about x, y, z, and by the log of the scale
        by_y = np.stack([-z, nought, x, y], axis=-1)
        jacobian = scale[:, None, None] * np.concatenate([by_x, by_y], axis=1)
        error = np.concatenate([seen[..., 0], seen[..., 1]], axis=1) - scale[:, None] * np.concatenate([x, y], axis=1)
        transposed = jacobian.swapaxes(1, 2)
        step = np.linalg.solve(transposed @ jacobian, transposed @ error[..., None])[..., 0]
        rotation = Rotation.from_rotvec(step[:, :3]) * rotation
        scale = scale * np.exp(step[:, 3])
    return rotation, scale
