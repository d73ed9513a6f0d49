"""What people fill in here."""

from __future__ import annotations

from typing import Any

from django import forms

from marketplace.accounts.names import is_name
from marketplace.catalog.licences import DEFAULT_LICENCE, LICENCES
from marketplace.catalog.queries import ORDERS
from marketplace.catalog.releasing import MAX_NOTES, MAX_SUMMARY, Words

SORTS = {
    "updated": "Newest first",
    "downloads": "Most fetched first",
    "accuracy": "Most accurate first",
    "latency": "Fastest first",
    "size": "Smallest first",
}


KINDS = {"trained": "Trained here", "preset": "Published networks", "imported": "Brought along"}


class SearchForm(forms.Form):
    """What somebody looks for; a value that cannot be used is left out, a search never fails."""

    search = forms.CharField(required=False, max_length=200, label="Search")
    kind = forms.ChoiceField(required=False, label="Kind", choices=[("", "Every kind"), *KINDS.items()])
    device = forms.ChoiceField(required=False, label="Device")
    max_latency_ms = forms.FloatField(required=False, min_value=0, label="At most (ms)")
    sort = forms.ChoiceField(required=False, label="Order", choices=list(SORTS.items()))

    def __init__(self, *args: Any, devices: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["device"].choices = [("", "Any device"), *devices.items()]  # type: ignore[attr-defined]
        self.fields["search"].widget.attrs.update(placeholder="corals, digits, a person's name …")

    @property
    def wanted(self) -> dict[str, Any]:
        """Return what the query takes, without what cannot be used."""
        self.full_clean()
        values = {key: value for key, value in self.cleaned_data.items() if value not in ("", None)}
        if values.get("sort") not in ORDERS:
            values.pop("sort", None)
        return values


class PublicationForm(forms.Form):
    """Under which words a run is published."""

    name = forms.CharField(
        max_length=39,
        validators=[is_name],
        help_text="Part of the address. Small letters (a–z), digits and hyphens. "
        "With the name of a model of yours, this becomes its next release.",
    )
    title = forms.CharField(
        max_length=120, required=False, help_text="What people read first. Empty: the name, or the title it has."
    )
    summary = forms.CharField(
        max_length=MAX_SUMMARY,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it recognises, and for whom it is.",
    )
    licence = forms.ChoiceField(choices=list(LICENCES.items()), initial=DEFAULT_LICENCE)
    notes = forms.CharField(
        max_length=MAX_NOTES,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Notes on this release",
        help_text="What is new. Subscribers read it in their notice.",
    )
    private = forms.BooleanField(
        required=False, label="Private: only you can see it", help_text="You can change this later."
    )

    @property
    def words(self) -> Words:
        """Return what the service takes."""
        return Words(**self.cleaned_data)


class ListingForm(forms.Form):
    """What an owner may change of a listing."""

    title = forms.CharField(max_length=120)
    summary = forms.CharField(max_length=MAX_SUMMARY, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    private = forms.BooleanField(
        required=False,
        label="Private: only you can see it",
        help_text="Its page, its files and its name vanish for everybody else, subscribers too.",
    )
