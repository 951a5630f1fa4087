"""The page and the HTTP API: the same decisions as at the command line, for people who signed in."""
