"""The chaos harness: a fleet at work, a monkey that breaks it, a person who decides, and a checker."""
