"""Ways for bytes to reach the engine and leave it."""
