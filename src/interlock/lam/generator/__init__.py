"""Training requests of many sources, over tools that no one example repeats."""
