"""Tests of runs: orders, pages, API, chart."""
