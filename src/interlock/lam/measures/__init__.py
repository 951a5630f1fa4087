"""Measures of action models on public sets: readers, scoring rules and figures."""
