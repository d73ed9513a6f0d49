"""What people fill in to train a published model further."""

from __future__ import annotations

from typing import Any

from django import forms

from edgetpu.devices import DEVICES
from marketplace.accounts.models import User
from marketplace.datasets.models import DatasetVersion
from marketplace.errors import UserError
from marketplace.runs.forms import NO_DEVICE, Number, VersionChoice
from marketplace.runs.queries import ready_versions_of
from marketplace.runs.starts import MAX_TRIALS


class RetrainForm(forms.Form):
    """On which pictures, for which device, and how much may be tried."""

    dataset_version = VersionChoice(
        queryset=DatasetVersion.objects.none(),
        label="Your pictures",
        empty_label=None,
        error_messages={"invalid_choice": "Choose one of your datasets that is ready."},
    )
    device = forms.ChoiceField(
        label="Device",
        choices=[(key, profile.title) for key, profile in DEVICES.items()],
        error_messages={"invalid_choice": NO_DEVICE},
    )
    trials = forms.IntegerField(
        label="Trials",
        initial=1,
        help_text=f"1 trains this network only. More, up to {MAX_TRIALS}, also try others of its family that hold the "
        "limit.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "The number of trials is a whole number, for example 1."},
    )
    latency_limit_ms = Number(
        label="Latency limit",
        required=False,
        help_text="Milliseconds for one picture. Empty: what this network needs.",
        error_messages={"invalid": "The latency limit is a number of milliseconds, for example 2.5."},
    )

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["dataset_version"].queryset = ready_versions_of(user)  # type: ignore[attr-defined]

    def refuse(self, error: UserError) -> None:
        """Put what a service said beside the field that it is about."""
        self.add_error(error.field if error.field in self.fields else None, error.sentence)
