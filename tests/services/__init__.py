"""The real servers that Atoll runs on elsewhere, each started for the tests alone and gone afterwards."""
