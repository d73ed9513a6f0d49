"""What programs may do here."""

from __future__ import annotations

from ninja import Router

router = Router()
