"""What people fill in about themselves."""

from __future__ import annotations

from django import forms

from marketplace.accounts.tokens import MAX_NAME, SCOPES

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "1 year", "": "never"}


class TokenForm(forms.Form):
    """The token that somebody wants."""

    name = forms.CharField(max_length=MAX_NAME, help_text="Where you will use it, so that you know it again.")
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=list(SCOPES.items()),
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
        error_messages={"required": "Choose at least one right."},
    )
    days = forms.TypedChoiceField(
        label="Expires after",
        choices=list(LIFETIMES.items()),
        coerce=int,
        empty_value=None,
        required=False,
        initial="90",
    )
