"""Self-contained HTML pages; scripts and styles are in assets/."""
