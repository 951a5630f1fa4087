"""An action model behind an OpenAI-compatible endpoint."""
