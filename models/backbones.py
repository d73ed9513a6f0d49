"""Published files that know pictures already: where they come from, and where they lie on this machine. Pure.

Files are looked for in the folder that ATOLL_PRETRAINED_DIR names, or beside a checkout where it is not set, and in the
cache, where downloads go; ATOLL_OFFLINE forbids those.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from models.errors import BackboneMissing

FOLDER_VARIABLE, OFFLINE_VARIABLE = "ATOLL_PRETRAINED_DIR", "ATOLL_OFFLINE"
CORAL = "https://github.com/google-coral/test_data/raw/master/"
"""Source: the repository's own listing."""
KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
"""Source: keras/src/applications/mobilenet_v2.py; Keras publishes no checksum of these files."""
MOST_BYTES = 256 * 2**20
_BESIDE_A_CHECKOUT = Path(__file__).resolve().parents[2] / "shared" / "data" / "pretrained"
_TIMEOUT_S = 10
_NAMED = re.compile(
    r"mobilenet_v(?P<version>\d)_(?:weights_tf_dim_ordering_tf_kernels_)?(?P<width>[\d.]+)_(?P<side>\d+)"
)
_ATTEMPTS = 3
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Backbone:
    """One published file."""

    name: str
    """What orders and notes call it."""
    title: str
    address: str
    sha256: str
    """Empty where nobody here has seen the file."""
    licence: str = "Apache-2.0"
    labels: str = "imagenet_labels.txt"
    """The file of class names that is published beside it."""

    @property
    def file_name(self) -> str:
        """What the file is called in any folder."""
        return self.address.rsplit("/", 1)[-1]


def _coral(name: str, title: str, sha256: str = "", labels: str = "imagenet_labels.txt") -> Backbone:
    return Backbone(name, title, f"{CORAL}{name}.tflite", sha256, labels=labels)


def _keras(width: str) -> Backbone:
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_224"
    title = f"MobileNetV2 {width}, ImageNet, of keras.applications"
    return Backbone(name, title, f"{KERAS}mobilenet_v2/{name}.h5", "")


BACKBONES: Mapping[str, Backbone] = MappingProxyType(
    {
        each.name: each
        for each in (
            _coral(
                "tf2_mobilenet_v2_1.0_224_ptq",
                "MobileNetV2 1.0, ImageNet",
                "5d3137241276e79c86d14a74fe43581398ae0e815191d3dba45495b810840e8c",
            ),
            _coral(
                "mobilenet_v2_1.0_224_quant",
                "MobileNetV2 1.0, ImageNet, trained for 8 bits",
                "7aad0c74c5e3c06e5eb3c827e13304fdd68a83da6087d92ee169c24ff9fd4776",
            ),
            _coral(
                "mobilenet_v2_1.0_224_inat_bird_quant",
                "MobileNetV2 1.0, birds of iNaturalist",
                "350fcd8cf1df1560060d464595dfed8b174b05792788052896004848d9ad04f9",
                "inat_bird_labels.txt",
            ),
            _coral(
                "mobilenet_v2_1.0_224_inat_insect_quant",
                "MobileNetV2 1.0, insects of iNaturalist",
                labels="inat_insect_labels.txt",
            ),
            _coral(
                "mobilenet_v1_0.25_128_quant",
                "MobileNet v1 0.25, ImageNet",
                "cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785",
            ),
            _coral(
                "mobilenet_v1_0.5_160_quant",
                "MobileNet v1 0.5, ImageNet",
                "3cc6d2ca460abd2e0f699a6d0d2550c6b61c6e3b0e27a3616e384ea74cb86f43",
            ),
            _coral("mobilenet_v1_0.75_192_quant", "MobileNet v1 0.75, ImageNet"),
            *(_keras(width) for width in ("1.0", "0.75", "0.5", "0.35", "1.3", "1.4")),
        )
    }
)
"""The files by name."""
USUAL_BACKBONE = next(iter(BACKBONES))
"""What a search begins with where nobody says otherwise."""


def network_named(backbone: str) -> tuple[str, int] | None:
    """Return the name of the published network that a file holds, and the side of its pictures."""
    found = _NAMED.search(backbone)
    if found is None:
        return None
    return f"mobilenet-v{found['version']}-{float(found['width']):g}", int(found["side"])


def find_backbone(name: str) -> Path | None:
    """Return where a published file lies on this machine, or None."""
    backbone = _known(name)
    folders = [os.environ.get(FOLDER_VARIABLE, str(_BESIDE_A_CHECKOUT)).strip(), str(cache_dir())]
    candidates = (Path(folder) / backbone.file_name for folder in folders if folder)
    return next((path for path in candidates if path.is_file()), None)


def fetch_backbone(name: str) -> Path:
    """Return where a published file lies, downloading it into the cache where it is not here; interrupted, it goes on.

    Raises:
        BackboneMissing: if it cannot be downloaded, or is not the file that was published.
    """
    found, backbone = find_backbone(name), _known(name)
    if found is None and _downloads_forbidden():
        raise BackboneMissing(
            f"{backbone.title} is not on this machine, and {OFFLINE_VARIABLE} forbids downloads. {_by_hand(backbone)}"
        )
    return found or download(backbone, cache_dir())


def cache_dir() -> Path:
    """Return the folder that downloads go to."""
    return Path(os.environ.get("XDG_CACHE_HOME", "").strip() or Path.home() / ".cache") / "atoll" / "pretrained"


def download(backbone: Backbone, folder: Path) -> Path:
    """Return the file in the folder, complete and with the right checksum, going on where an earlier call was stopped.

    Raises:
        BackboneMissing: if it cannot be downloaded or kept, or is not the file that was published.
    """
    target = folder / backbone.file_name
    part = target.with_name(f"{target.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.with_name(f"{target.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.is_file():
                _complete(backbone, part)
                _check(backbone, part)
                part.replace(target)
    except OSError as error:
        raise BackboneMissing(
            f"{backbone.title} could not be kept in {folder} ({error.strerror}). {_by_hand(backbone)}"
        ) from error
    return target


def _known(name: str) -> Backbone:
    if name not in BACKBONES:
        raise BackboneMissing(f"There is no published file {name!r}; there are {', '.join(BACKBONES)}.")
    return BACKBONES[name]


def _downloads_forbidden() -> bool:
    return os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no")


def _by_hand(backbone: Backbone) -> str:
    return f"Put the file {backbone.file_name} into a folder and let {FOLDER_VARIABLE} name that folder."


def _complete(backbone: Backbone, part: Path) -> None:
    """Download what is missing of the file; a broken connection is taken up again a few times."""
    for left in reversed(range(_ATTEMPTS)):
        try:
            _append(backbone.address, part)
        except (OSError, http.client.HTTPException) as error:
            final = isinstance(error, urllib.error.HTTPError) and error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR
            if final or not left:
                raise BackboneMissing(
                    f"{backbone.title} could not be downloaded from {backbone.address} ({error}). {_by_hand(backbone)}"
                ) from error
        else:
            return


def _append(address: str, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    # The address is one of the list above, never a user's.
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # nothing is left; the checksum tells whether it is the right file
        raise
    with answer, part.open("ab" if answer.status == http.HTTPStatus.PARTIAL_CONTENT else "wb") as file:
        while piece := answer.read(_PIECE_BYTES):
            file.write(piece)
            if file.tell() > MOST_BYTES:
                raise BackboneMissing(f"{address} is larger than {MOST_BYTES // 2**20} MiB, the most we read.")
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _check(backbone: Backbone, part: Path) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if backbone.sha256 and found != backbone.sha256:
        part.unlink()
        raise BackboneMissing(
            f"{backbone.address} is not the file that was published: its checksum is {found}, not {backbone.sha256}. "
            f"Try again, or put the right file into a folder and let {FOLDER_VARIABLE} name that folder."
        )
