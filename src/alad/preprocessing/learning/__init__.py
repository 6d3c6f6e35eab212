"""What fit learns of a table, in a stream: of each column what it is, and its rules."""
