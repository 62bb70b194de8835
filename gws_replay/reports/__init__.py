"""What people and programs read: text so far."""
