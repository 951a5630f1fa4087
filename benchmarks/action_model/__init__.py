"""What the embedded action model is worth: accuracy on public sets, speed, memory and size."""
