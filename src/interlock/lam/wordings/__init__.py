"""Words the request generator speaks with: one set for training, another for measuring."""
