"""What is secret or personal, and what stands in its place."""
