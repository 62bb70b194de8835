"""Values in, values out: no file, socket, clock, environment, thread, log or print in here."""
