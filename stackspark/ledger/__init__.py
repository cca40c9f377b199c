"""What a verdict is: its grain, subject and row, and how verdicts become the fate of a file."""
