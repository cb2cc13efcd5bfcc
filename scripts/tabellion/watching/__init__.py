"""Watching: snapshots of a workspace's files, and the batches of changes that each run answers."""
