"""Fill the marketplace with the published networks of every family."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.catalog.models import Release, ReleaseFile
from marketplace.catalog.preset_services import CHANGED, NEW, SAME, house, load_preset
from marketplace.catalog.presets import presets, weights_here
from marketplace.errors import UserError


class Command(BaseCommand):
    """Publishes each network under the account of the house; doing it again changes only what has changed."""

    help = "Publish the networks of every family as models, with weights where ATOLL_PRETRAINED_DIR has them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take `--once`."""
        parser.add_argument(
            "--once",
            action="store_true",
            help="Do nothing where there are published networks already, with all weights that lie here.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load them all, and say how many are new."""
        if options["once"] and _loaded():
            return
        owner, counted, refused = house(), Counter[str](), []
        for preset in presets():
            try:
                counted[load_preset(preset, owner)] += 1
            except UserError as error:
                refused.append(error.sentence)
        if options["verbosity"] > 0:
            total = counted.total()
            self.stdout.write(
                f"{total} models: {counted[NEW]} new, {counted[CHANGED]} changed, {counted[SAME]} as before."
            )
        if refused:
            raise CommandError("\n".join(refused))


def _loaded() -> bool:
    """Say whether there are published networks, and none lacks weights that were put here since."""
    kept = set(ReleaseFile.objects.filter(release__kind=Release.Kind.PRESET).values_list("name", flat=True))
    return bool(kept) and kept.issuperset(weights.path.name for _, weights in weights_here())
