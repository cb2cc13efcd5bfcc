"""Watching: what happens to the files of a workspace, and when it is over, so that one run answers one change."""
