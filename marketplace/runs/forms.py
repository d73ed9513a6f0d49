"""The order of a run, from what was typed to values."""

from __future__ import annotations

from typing import Any

from django import forms

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import UserError
from marketplace.runs.checks import MIB
from marketplace.runs.hints import DEFAULT_LIMIT_MS, usable_minutes
from marketplace.runs.models import Run
from marketplace.runs.queries import ready_versions_of
from marketplace.runs.starts import backbones_to_offer, trials_within
from search.usual import IMAGE_PX, USUAL_FAMILY, families_for, searchable_families, suitable_px

DEFAULT_ONCHIP_MIB = 7.7
DEFAULT_TRIALS = 8
LEAST_GAIN = 0.002
UNKNOWN_PX = 64
"""Side that is offered while no dataset is chosen."""
COMMON_DEVICES = ("devboard", "usb3", "usb2", "m2")
NO_DEVICE = "Choose one of these devices."
NO_SIZE = "Choose one of these sizes."
NO_FAMILY = "Choose one of these families, or all of them."
NO_START = "Choose one of these starts."
SCRATCH = "From scratch"
ALL_FAMILIES = "all"
FIELDS_OF = {
    "onchip_limit_bytes": "onchip_limit_mib",
    "file_limit_bytes": "file_limit_kb",
    "dataset": "dataset_version",
    "families": "family",
    "backbone": "start",
}
"""The form's name for what services call otherwise."""


class Number(forms.FloatField):
    """A number that may be typed with a decimal comma."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        """Return the number."""
        return super().to_python(value.replace(",", ".") if isinstance(value, str) else value)


class VersionChoice(forms.ModelChoiceField):  # type: ignore[type-arg] # generic only to mypy
    """A dataset version, told by what is in it."""

    def label_from_instance(self, obj: Any) -> str:
        """Return "name v2: 10 classes, 1,797 pictures"."""
        pictures = obj.statistics.get("pictures")
        amount = f", {pictures:,} pictures" if isinstance(pictures, int) else ""
        return f"{obj.dataset.name} v{obj.number}: {len(obj.classes)} classes{amount}"


class OrderForm(forms.Form):
    """What is asked of a search."""

    dataset_version = VersionChoice(
        queryset=DatasetVersion.objects.none(),
        label="Pictures",
        empty_label=None,
        help_text="Networks learn from most of them, and are judged on the others.",
        error_messages={"invalid_choice": "Choose one of your datasets that is ready."},
    )
    device = forms.ChoiceField(
        label="Device",
        widget=forms.RadioSelect,
        choices=[(key, profile.title) for key, profile in DEVICES.items()],
        initial="devboard",
        help_text="Where the model will run: the chip is the same, its host and the link make it faster or slower. "
        "A USB Accelerator runs at the reduced clock (under “Other hosts”) unless its runtime is libedgetpu1-max.",
        error_messages={"required": NO_DEVICE, "invalid_choice": NO_DEVICE},
    )
    latency_limit_ms = Number(
        label="Latency limit",
        initial=DEFAULT_LIMIT_MS,
        help_text="The most that one picture may take: 33 ms keep up with 30 pictures a second. "
        "A network that is estimated to be slower is never trained.",
        error_messages={"invalid": "The latency limit is a number of milliseconds, for example 2.5."},
    )
    image_px = forms.TypedChoiceField(
        label="Picture size",
        coerce=int,
        choices=[(side, f"{side} × {side} px") for side in IMAGE_PX],
        initial=64,
        help_text="Your pictures are shrunk to this or less. Larger shows finer things and takes longer.",
        error_messages={"required": NO_SIZE, "invalid_choice": NO_SIZE},
    )
    trials = forms.IntegerField(
        label="Trials",
        initial=DEFAULT_TRIALS,
        required=False,
        help_text="More find better ones and take longer; you can stop at any time. "
        "Empty: as many as fit into the time.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "The number of trials is a whole number, for example 8."},
    )
    minutes = Number(
        label="Time",
        required=False,
        help_text="The search ends about then; its files come after it. Empty: as long as the trials take.",
        error_messages={"invalid": "The time is a number of minutes, for example 30."},
    )
    start = forms.ChoiceField(
        label="Start from",
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": NO_START},
    )
    goal = forms.ChoiceField(
        label="Goal",
        required=False,
        widget=forms.RadioSelect,
        choices=Run.Goal.choices,
        initial=Run.Goal.TARGET.value,
        help_text="The second shows what each millisecond buys. Files are made of its most accurate network; then you "
        "can choose another one.",
    )
    family = forms.ChoiceField(
        label="Family of networks",
        initial=USUAL_FAMILY,
        help_text="The plan that the networks are variations of. The one that is chosen here suits most pictures.",
        error_messages={"invalid_choice": NO_FAMILY},
    )
    end_early = forms.BooleanField(
        label="End early",
        required=False,
        help_text=f"No further trial starts once it is expected to gain less than {100 * LEAST_GAIN:g} percentage "
        "points of accuracy.",
    )
    onchip_limit_mib = Number(
        label="On-chip limit",
        initial=DEFAULT_ONCHIP_MIB,
        help_text=f"How much of the chip's memory the network may fill. {DEFAULT_ONCHIP_MIB:g} MiB is about all there "
        "is; ask for less where other models share the chip.",
        error_messages={"invalid": "The on-chip limit is a number of MiB, for example 7.7."},
    )

    file_limit_kb = Number(
        label="File limit",
        required=False,
        help_text="How large the int8 file may be, by estimate. Empty: any size.",
        error_messages={"invalid": "The file limit is a number of kB, for example 500."},
    )

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["dataset_version"].queryset = ready_versions_of(user)  # type: ignore[attr-defined]
        known = {name: family.title for name, family in searchable_families().items()}
        starts = [*backbones_to_offer().items(), ("", SCRATCH)]
        self.fields["family"].choices = [*known.items(), (ALL_FAMILIES, "All of these")]  # type: ignore[attr-defined]
        self.fields["start"].choices = starts  # type: ignore[attr-defined]
        self.fields["start"].initial = starts[0][0]

    def clean(self) -> dict[str, Any]:
        """Return the values; a search needs trials, or a time to end after."""
        values = super().clean() or self.cleaned_data
        if "trials" in values and values["trials"] is None:
            minutes = usable_minutes(values.get("minutes"))
            if values.get("minutes") is None:
                self.add_error("trials", "Say how many trials there are, or for how many minutes.")
            values["trials"] = trials_within(minutes or 1, values.get("start") or "")
        return values

    @property
    def families(self) -> list[str]:
        """The families to search, as far as what was typed says so."""
        start, family = self.cleaned_data.get("start", ""), self.cleaned_data.get("family") or USUAL_FAMILY
        if start:
            return families_for(start)
        return list(searchable_families()) if family == ALL_FAMILIES else [family]

    def order(self) -> dict[str, Any]:
        """Return the values as `order_run` takes them."""
        values = dict(self.cleaned_data)
        values["onchip_limit_bytes"] = onchip_bytes(values.pop("onchip_limit_mib"))
        values["file_limit_bytes"] = file_bytes(values.pop("file_limit_kb"))
        values["families"] = self.families
        values["backbone"] = values.pop("start")
        values["goal"] = values["goal"] or Run.Goal.TARGET
        values["min_gain"] = LEAST_GAIN if values.pop("end_early") else None
        values.pop("family")
        return values

    def refuse(self, error: UserError) -> None:
        """Put what a service said beside the field that it is about."""
        field = FIELDS_OF.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, error.sentence)


def onchip_bytes(mib: float) -> int:
    """Return whole bytes; what is no amount of memory stays below 1, so that the service refuses it in words."""
    return int(max(-1.0, min(mib, 2.0**40)) * MIB)


def file_bytes(kilobytes: float | None) -> int | None:
    """Return whole bytes; what is no size stays below 1, as above."""
    return None if kilobytes is None else int(max(-1.0, min(kilobytes, 1e12)) * 1000)


def default_px(version: DatasetVersion | None, *, pretrained: bool = False) -> int:
    """Return the picture size that suits a dataset (`search.usual`)."""
    statistics = version.statistics if version else {}
    sides = [(statistics.get(name) or {}).get("median") for name in ("width_px", "height_px")]
    known = [side for side in sides if isinstance(side, int)]
    return suitable_px(known or [UNKNOWN_PX], pretrained=pretrained)
