"""Boxes and lines on a plane, in rows from top to bottom; knows nothing of what they stand for."""
