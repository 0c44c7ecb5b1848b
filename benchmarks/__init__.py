"""Benchmarks: each one command, one run, figures with their spread."""
