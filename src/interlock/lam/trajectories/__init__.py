"""Trajectories: what was asked, what a model chose, what people said of it and what came of it, in one format."""
