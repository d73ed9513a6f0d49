"""Models that people bring along: opened, quantized, judged and published like those that were found here."""
