"""The addresses under /api/, for programs: one noun a file, each described in `shapes`."""
