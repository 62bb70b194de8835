"""What people set outside the code: redaction rules, the upstream server, credentials."""
