"""Two recordings compared operation by operation: pairing, id mapping, findings, noise, accept."""
