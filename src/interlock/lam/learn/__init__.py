"""Learning from verdicts: what reviewers said of a model's calls, a candidate, its trial, promotion and rollback."""
