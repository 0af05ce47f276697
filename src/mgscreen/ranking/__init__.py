"""Roles, scores, rank intervals, explanation."""
