"""Models that people bring along, in whatever form: told apart, checked, opened, converted, described."""
