"""The operator's desk: runs and what can be done with them, open doubts, graphs, and the health of the house."""
