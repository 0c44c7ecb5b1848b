"""Labelled data in: readers of every source, checks over what was read, the project's own corpus."""
