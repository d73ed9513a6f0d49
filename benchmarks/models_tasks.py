"""Sets of pictures that networks are compared on, each split once with twins together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from benchmarks.search_real_images import class_folders
from marketplace.datasets.splitting import split_pictures
from marketplace.datasets.twins import groups_of

SETS = {"signs": "sign_digits10.zip", "rice": "rice_leaf5.zip"}


@dataclass(frozen=True)
class Task:
    """Pictures of one side, split once with twins together."""

    title: str
    images: np.ndarray
    labels: np.ndarray
    splits: np.ndarray

    @property
    def image_px(self) -> int:
        """Side of the pictures."""
        return self.images.shape[1]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1

    def part(self, split: int) -> tuple[np.ndarray, np.ndarray]:
        """Return pictures and labels of a split: 0 training, 1 validation, 2 test."""
        return self.images[self.splits == split], self.labels[self.splits == split]

    def quarter(self) -> Task:
        """Return the task with every fourth training picture of each class."""
        splits = self.splits.copy()
        for label in range(self.classes):
            members = np.flatnonzero((self.labels == label) & (splits == 0))
            splits[np.delete(members, np.s_[::4])] = 3
        return replace(self, title=f"{self.title}, a quarter", splits=splits)


def task_of(name: str, image_px: int) -> Task:
    """Return one of the sets at a resolution."""
    images, labels, _ = class_folders(SETS[name], image_px)
    thumbs = np.stack([np.asarray(Image.fromarray(each).resize((16, 16), Image.Resampling.BOX)) for each in images])
    splits, _ = split_pictures(labels.tolist(), groups_of(thumbs).tolist(), 0)
    return Task(f"{name} {image_px} px", images, labels, np.array(splits))
