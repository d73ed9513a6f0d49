"""What people fill in to bring a model along."""

from __future__ import annotations

from typing import Any

from django import forms

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.accounts.names import is_name
from marketplace.datasets.models import DatasetVersion
from marketplace.imports.queries import usable_versions
from marketplace.imports.services import AUTOMATIC
from models.pixels import RANGES

PIXELS = [
    (AUTOMATIC, "Find out"),
    *((one.key, one.title[:1].upper() + one.title[1:]) for one in RANGES.values()),
]


class ImportForm(forms.Form):
    """Everything but the file."""

    name = forms.CharField(
        max_length=39,
        validators=[is_name],
        help_text="Small letters (a–z), digits and hyphens. You can publish it under this name later.",
    )
    dataset_version = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label="Dataset",
        help_text="Pictures of yours to quantize a float model with, and to judge it on. Without one, a float model is "
        "only looked at.",
    )
    pixels = forms.ChoiceField(
        required=False,
        choices=PIXELS,
        label="Pixels",
        help_text="How the network was trained to read a pixel. “Find out” looks for a Rescaling layer, then tries the "
        "usual ways on training pictures.",
    )
    labels = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "brown spot\nhealthy\nneck blast"}),
        help_text="One a line, in the order of the network's answers. Empty: the dataset's classes in alphabetical "
        "order, where they are as many as the answers.",
    )
    device = forms.ChoiceField(
        choices=[(key, profile.title) for key, profile in DEVICES.items()],
        initial="devboard",
        label="Device",
        help_text="For the time on its card; its page shows every device.",
    )

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._versions = {version.pk: version for version in usable_versions(owner)}
        if self._versions:
            self.fields["dataset_version"].initial = next(iter(self._versions))
        choices = [(key, f"{one.dataset.name}, version {one.number}") for key, one in self._versions.items()]
        self.fields["dataset_version"].choices = [("", "None: only look at it"), *choices]  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        found = dict(self.cleaned_data)
        version: DatasetVersion | None = self._versions.get(found.pop("dataset_version"))
        return {**found, "pixels": found["pixels"] or AUTOMATIC, "dataset_version": version}
