"""Steps of work: leased, repeatable, never lost."""
