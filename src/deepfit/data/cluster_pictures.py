"""Pictures for clustering: read without or with known groups, their facts, and as points with distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.contract import Concern, Facts
from deepfit.data.cluster_checks import check_distinct, compared
from deepfit.data.image_checks import listed
from deepfit.data.image_store import choose_size
from deepfit.data.images import ImageRows, learn_images, read_images
from deepfit.data.mirror import SAMPLE, Mirror, judge_mirror, shrink
from deepfit.errors import DataError

FEWEST = 20
"""Pictures below which there is nothing to group."""
LARGEST_PX = 64
"""Side to which larger pictures are brought where no size is asked for: codes need no fine detail."""
MIRROR_GROUPS = 20
"""Groups of like pictures by which it is judged whether mirrored ones stay what they are."""


def read_cluster_pictures(
    source: Any, *, target: str | None, skip_broken: bool, facts: Facts | None
) -> ImageRows:
    """The pictures of a source, with known groups where `target` names them, and else without.

    facts: None for training; then at least FEWEST pictures are asked for. DataError.
    """
    rows = read_images(
        source,
        target=target or "label",
        skip_broken=skip_broken,
        require_labels=False,
        size=tuple(facts["size"]) if facts else None,
        labels_needed=target is not None,
    )
    if target is None:
        rows = _without_groups(rows)
    elif rows.target() is None and facts is None:
        raise DataError(
            f"{rows.name} has no known groups for --target {target}: leave --target away, or put each group "
            f"into a folder of its own, or add metadata.csv with the columns file_name and {target}."
        )
    if facts is None and len(rows) < FEWEST:
        raise DataError(
            f"{rows.name}: {len(rows):,} picture{'s' * (len(rows) != 1)}, among which no groups can be "
            f"found. Expected at least {FEWEST}, and better some hundreds."
        )
    return rows


def _without_groups(rows: ImageRows) -> ImageRows:
    """The pictures alone; where folders or labels would name groups, that they are not looked at is said."""
    labels = rows.target()
    groups = [] if labels is None else np.unique(labels).tolist()
    if len(groups) > 1:
        sentence = (
            f"The pictures are of {len(groups):,} folders or labels ({listed(groups)}), which are not looked "
            "at. Add --target label to see how well the clusters agree with them."
        )
        rows = rows.remarked(Concern("groups", rows.name, sentence))
    return rows.unlabelled()


def learn_cluster_pictures(rows: ImageRows, image_size: int) -> dict[str, Any]:
    """Facts from training rows, plain JSON: size [height, width], channels, mean and std a channel.

    image_size: side in pixels of the square that the network gets; 0: as pictures are, and where any side is
    above LARGEST_PX a square of that.
    """
    side = image_size or (LARGEST_PX if max(choose_size(rows.shapes())) > LARGEST_PX else 0)
    facts = learn_images(rows, image_size=side)
    del facts["classes"]
    return facts


def points(images: np.ndarray) -> np.ndarray:
    """Pictures uint8 [rows, height, width, channels] as points, float32 [rows, features].

    The pixels of pictures that are brought to at most 16 x 16 by means over blocks, from 0 to 1.
    """
    return shrink(images).reshape(len(images), -1) / np.float32(255)


def judged_mirror(images: np.ndarray, *, seed: int) -> Mirror:
    """Whether mirrored pictures stay among their like, judged by groups of like pictures in place of classes.

    images: uint8 [rows, height, width, channels].
    """
    from sklearn.cluster import KMeans

    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:SAMPLE])
    like = points(images[chosen])
    groups = min(MIRROR_GROUPS, len(np.unique(like, axis=0)))
    labels = KMeans(groups, n_init=1, random_state=seed % 2**32).fit_predict(like)  # pyright: ignore[reportArgumentType]  (its stub has only the default, a word)
    return judge_mirror(images[chosen], labels, seed=seed, kind="group of like pictures")


def check_pictures(rows: ImageRows, images: np.ndarray, clusters: int) -> None:
    """DataError where the pictures are all equal, or fewer different ones than clusters asked for."""
    some = images[compared(len(rows))]
    check_distinct(
        some.reshape(len(some), -1),
        clusters,
        rows=len(rows),
        name=rows.name,
        same=f"all {len(rows):,} training pictures are equal, so there are no groups to find. Is it the "
        "right folder?",
    )
