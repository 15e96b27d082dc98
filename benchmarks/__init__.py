"""Benchmarks, one script for each question; README.md lists them."""
