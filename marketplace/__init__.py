"""The site: people, datasets, runs, models, devices."""
