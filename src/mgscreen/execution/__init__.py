"""Runs a Flow over a process pool; state of each job, retry, resume."""
