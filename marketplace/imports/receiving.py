"""A model file on its way in."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from marketplace.datasets.uploads import Awaited, received_file
from marketplace.imports.services import largest_bytes


def received_model(request: HttpRequest) -> UploadedFile[Any]:
    """Return the file of a multipart request.

    Raises:
        UserError: as `marketplace.datasets.uploads.received_file`.
    """
    return received_file(
        request,
        Awaited(
            largest_bytes(),
            "The Edge TPU keeps some 8 MiB on the chip: bring a smaller network.",
            "No file came with the form. Choose a model file: .keras, .h5, a SavedModel as ZIP, .pb or .tflite.",
        ),
    )
