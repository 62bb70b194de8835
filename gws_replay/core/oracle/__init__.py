"""The history of userData, and the verdict on each operation."""
