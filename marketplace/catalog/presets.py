"""The published networks that a marketplace begins with: which there are, and what is known of each.

Weights belong to a network where their file lies on this machine; otherwise there is the architecture only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from models.architecture import Architecture
from models.backbones import BACKBONES, Backbone, find_backbone, network_named
from models.families import FAMILIES, Family
from models.families.published import PUBLISHED, Published

_CALLED = {"1": "1.0", "s": "S", "m": "M", "l": "L", "xs": "XS"}
ARCHITECTURE_ONLY = "Architecture only, as published: train it on your own pictures."
WITH_WEIGHTS = "Coral's quantized file with weights as published. It runs as it is, and can be trained further."


@dataclass(frozen=True, slots=True)
class Weights:
    """A published file that lies here."""

    backbone: Backbone
    path: Path

    @property
    def labels(self) -> Path | None:
        """The file of class names beside it, where there is one."""
        path = self.path.with_name(self.backbone.labels)
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Preset:
    """A listing of the house."""

    name: str
    """Part of its address."""
    title: str
    family: Family
    network: Architecture
    published: Published | None
    weights: Weights | None = None
    counted: Architecture | None = None
    """As it was published, where `network` is for pictures of another size."""

    @property
    def summary(self) -> str:
        """What the listing says of itself."""
        note = self.published.note if self.published else ""
        return " ".join(filter(None, (WITH_WEIGHTS if self.weights else ARCHITECTURE_ONLY, note)))


def presets() -> Iterator[Preset]:
    """Yield every published network, and every further set of weights that lies here."""
    here = dict(weights_here())
    for family in FAMILIES.values():
        for name, network in family.published.items():
            found = here.pop(_first_of(name, here), None)
            yield Preset(
                address_of(name),
                title_of(family, name),
                family,
                _at_side(network, found),
                PUBLISHED.get(name),
                found,
                network,
            )
    yield from _further(here)


def address_of(name: str) -> str:
    """Return a name as it stands in addresses."""
    return name.lower().replace(".", "-").replace("_", "-")


def title_of(family: Family, name: str) -> str:
    """Return what people call a published network: "EfficientNet-EdgeTPU S", "MobileNet v2 0.35"."""
    said = set(re.split(r"\W+", family.title.lower())) | set(family.title.lower().split())
    rest = name.removeprefix(family.name.replace("_", "-"))
    words = [word for word in rest.split("-") if word and word not in said]
    if rest[:1].isdigit():  # the family's own count, as in EfficientNet-lite1
        return family.title + " ".join(words)
    return " ".join([family.title, *(_CALLED.get(word, word) for word in words)])


def weights_here() -> Iterator[tuple[str, Weights]]:
    """Yield the published files that lie on this machine and belong to a network known here."""
    for name, backbone in BACKBONES.items():
        path = find_backbone(name)
        if path is not None and path.suffix == ".tflite" and network_named(name) is not None:
            yield name, Weights(backbone, path)


def _first_of(name: str, here: Mapping[str, Weights]) -> str:
    return next((each for each in here if (network_named(each) or ("", 0))[0] == name), "")


def _at_side(network: Architecture, weights: Weights | None) -> Architecture:
    """Return the network at the side that its weights were trained for."""
    named = network_named(weights.backbone.name) if weights else None
    return replace(network, image_px=named[1]) if named else network


def _further(here: Mapping[str, Weights]) -> Iterator[Preset]:
    """Yield weights of a network that has others already."""
    for name, weights in here.items():
        named = network_named(name) or ("", 0)
        family = next((each for each in FAMILIES.values() if named[0] in each.published), None)
        if family is not None:
            network = _at_side(family.published[named[0]], weights)
            yield Preset(address_of(name), weights.backbone.title, family, network, None, weights)
