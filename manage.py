#!/usr/bin/env python
"""Django's entry."""

import os
import sys


def main() -> None:
    """Run one of Django's commands, or one of ours."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
