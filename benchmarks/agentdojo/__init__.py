"""AgentDojo's tasks replayed through the guard: `python -m benchmarks.agentdojo --json`."""
